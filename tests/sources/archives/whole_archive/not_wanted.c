#include <stdio.h>
__attribute__((constructor(103))) static void plugin(void) { puts("not wanted"); }
