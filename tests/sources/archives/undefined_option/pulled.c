#include <stdio.h>
int pull_me;
__attribute__((constructor)) static void construct(void) { puts("pulled"); }
