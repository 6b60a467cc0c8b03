#include <stdio.h>

int base(void);
void top(void) {}
__attribute__((constructor)) static void begin(void) { printf("top constructor, base is ready: %d\n", base()); }
__attribute__((destructor)) static void end(void) { puts("top destructor"); }
