int function(int);
int (*address_from_got(void))(int) { return function; }
