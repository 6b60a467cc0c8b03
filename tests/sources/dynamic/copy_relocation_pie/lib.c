#include <stdio.h>

int value = 5;
struct { long first, second; char text[30]; } record = {1, 2, "record"};

int bump(void) { return value + 1; }
__attribute__((destructor)) static void finish(void) {}
__attribute__((constructor)) static void begin(void) {}
FILE *library_stdout(void) { value++; return stdout; }
