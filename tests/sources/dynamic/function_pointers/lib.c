int function(int x) { return x * 2; }
int (*address_in_library(void))(int) { return function; }
