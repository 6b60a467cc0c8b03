__thread int library_variable = 50;
int library_value(void) { return library_variable; }
