#include <stdio.h>
int wanted(void) { return 2; }
__attribute__((constructor)) static void begin(void) { puts("wanted is initialised"); }
