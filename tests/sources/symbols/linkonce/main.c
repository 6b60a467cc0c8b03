//#Object: one.S two.S
//#Modes: pie nopie
//#Stdout: 1 1
// The old form of COMDAT: of all sections with one .gnu.linkonce name, the first stays.
#include <stdio.h>

int call_one(void), call_two(void);

int main(void) {
    printf("%d %d\n", call_one(), call_two());
    return 0;
}
