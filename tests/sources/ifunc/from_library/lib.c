static int implementation(void) { return 3; }
static int (*resolve(void))(void) { return implementation; }
int function(void) __attribute__((ifunc("resolve")));
int (*library_address(void))(void) { return function; }
