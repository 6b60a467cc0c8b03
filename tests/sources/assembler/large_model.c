//#Flags: -mcmodel=large -O1
//#Modes: nopie
//#Stdout: 7 8
// Code that assumes nothing about distances.
#include <stdio.h>

static int variable = 7;
int (*volatile function)(const char *, ...) = printf;
__attribute__((noinline)) int next(int x) { return x + 1; }

int main(void) {
    printf("%d %d\n", variable, next(variable));
    return 0;
}
