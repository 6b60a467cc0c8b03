//#Modes: pie nopie
//#Flags: -g -O1
//#Object: routine.S
#include <stdio.h>
int routine(int (*function)(int), int argument);
__attribute__((noinline)) static int called(int x) {
    int y = x + 1;
    printf("called with %d\n", x);
    return y;
}
int main(void) { return routine(called, 5) == 12 ? 0 : 1; }
