#include <stdio.h>
__attribute__((constructor(101))) static void plugin(void) { puts("plugin 1"); }
