extern int unused_constructor_ran;
int unused(void) { return undefined_function_that_nobody_needs(); }
__attribute__((constructor)) static void construct(void) { unused_constructor_ran = 1; }
