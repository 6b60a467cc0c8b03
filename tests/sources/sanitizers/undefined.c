//#Flags: -O1 -fsanitize=undefined
//#LinkFlags: -fsanitize=undefined
//#Modes: pie nopie
//#Stdout: shifted
//#StderrHas: shift exponent 40 is too large for 32-bit type 'int'
#include "../../fixtures/far.h"
#include <stdio.h>

__attribute__((noinline)) static int shift(int x) {
    FAR(x);
    x = 1 << x;
    FAR(x);
    return x;
}

int main(void) {
    volatile int by = 40, result = shift(by);
    puts("shifted");
    return 0;
}
