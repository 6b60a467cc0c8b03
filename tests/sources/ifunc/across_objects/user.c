int function(void);
int call_it(void) { return function(); }
int (*get_address(void))(void) { return function; }
