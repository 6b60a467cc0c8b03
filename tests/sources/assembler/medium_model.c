//#Flags: -mcmodel=medium -O1
//#Modes: nopie pie
//#Stdout: 5 0 9
// Large data in sections of its own, .ldata and .lbss.
#include <stdio.h>

int large_data[100000] = {5};
int large_zero[1000000];
int small = 9;

int main(void) {
    printf("%d %d %d\n", large_data[0], large_zero[999999], small);
    return 0;
}
