#include <stdio.h>

__attribute__((constructor(170))) static void early(void) { puts("c with priority 170"); }
__attribute__((constructor)) static void normal(void) { puts("c"); }
__attribute__((destructor)) static void finish(void) { puts("fini of c"); }
