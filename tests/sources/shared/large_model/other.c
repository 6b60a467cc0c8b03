int other_data = 1;
int other_function(void) { return 3; }
