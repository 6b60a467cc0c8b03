//#Shared: libbounds.so = lib.c
//#Flags: -O1
//#Stdout: bounds: right
// Symbols that the linker defines are those of the library, not of the program.
#include <stdio.h>

int in_bounds(void);

int main(void) {
    printf("bounds: %s\n", in_bounds() ? "right" : "wrong");
    return 0;
}
