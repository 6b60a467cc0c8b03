//#Shared: libr.so = lib.c
//#Flags: -O1
//#Stdout: 20000
// Program and library call each other, thousands of frames deep.
#include <stdio.h>

int library(int);
int program(int depth) { return depth == 0 ? 0 : library(depth - 1) + 1; }

int main(void) {
    printf("%d\n", program(20000));
    return 0;
}
