int local_variable = 5;
int local_function(void) { return 11; }
