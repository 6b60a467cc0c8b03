int seven(void) { return 7; }
int array[] = {1, 2, 3};
static int own[] = {20, 21, 22};
int *addends[] = {array + 1, array + 2};
int *negative = &array[2] - 2;
int *const constant[] = {own, own + 1, own + 2};
