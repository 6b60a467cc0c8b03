long library_variable = 44;
long library_function(void) { return 55; }
