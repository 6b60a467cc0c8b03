#include <stdio.h>

__attribute__((constructor)) static void normal(void) { puts("b"); }
__attribute__((constructor(150))) static void early(void) { puts("b with priority 150"); }
__attribute__((destructor)) static void finish(void) { puts("fini of b"); }
