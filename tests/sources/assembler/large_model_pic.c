//#Flags: -mcmodel=large -fPIC -O1
//#Modes: pie nopie
//#Stdout: 7 8
// The same, position-independent.
#include <stdio.h>

int variable = 7;
static int hidden = 1;
__attribute__((noinline)) int next(int x) { return x + hidden; }

int main(void) {
    printf("%d %d\n", variable, next(variable));
    return 0;
}
