int variable = 1;
int array[4] = {10, 20, 30, 40};
const char text[] = "constant";
static int *pointer = &variable, *into = &array[2];
int get(void) { return variable; }
int get_by_pointer(void) { return *pointer; }
void set(int value) { variable = value; }
int *address(void) { return &variable; }
int *third(void) { return into; }
