int library_variable = 6;
int library_function(void) { return 22; }
void *address_of_library_variable(void) { return &library_variable; }
