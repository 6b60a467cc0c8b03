#include <stdio.h>
__attribute__((constructor(102))) static void plugin(void) { puts("plugin 2"); }
