int variable = 10;
extern int weak_variable __attribute__((weak, alias("variable")));
int array[3] = {1, 2, 3};
const int constant = 99;

int get_variable(void) { return variable; }
int *address_of_alias(void) { return &weak_variable; }
