int function(int);
int (*address_absolute(void))(int) { return function; }
