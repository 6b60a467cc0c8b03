//#Flags: -O1
//#LinkFlags: -Wl,-z,execstack
//#Modes: pie nopie
//#Stdout: 6
//#Stdout: 15
// A pointer to a nested function is code on the stack, which gcc asks to be executable.
#include <stdio.h>

__attribute__((noinline)) static int apply(int (*function)(int), int x) { return function(x); }

int main(int argc, char **argv) {
    int base = 5 * argc;
    int add(int x) { return base + x; }
    printf("%d\n", apply(add, 1));
    base = 14;
    printf("%d\n", apply(add, 1));
    return 0;
}
