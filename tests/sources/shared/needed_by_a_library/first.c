#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(void) { write(1, "first is initialised\n", 21); }
