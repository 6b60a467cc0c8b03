extern int shared_value;
int *pointer_to_shared = &shared_value;
static const int table[] = {111, 222};

int c(void) { return table[0] + table[1]; }
