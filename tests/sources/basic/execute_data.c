//#Modes: pie nopie
//#Stdout: before
//#Signal: 11
// Data is not executable.
#include <stdio.h>

unsigned char code[] = {0xc3};

int main(void) {
    puts("before");
    fflush(stdout);
    ((void (*)(void))code)();
    puts("after");
    return 0;
}
