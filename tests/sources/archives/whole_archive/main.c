//#Archive: libplugins.a = p1.c p2.c
//#Archive: libother.a = not_wanted.c
//#Link: main.c -Wl,--whole-archive libplugins.a -Wl,--no-whole-archive libother.a
//#Modes: pie nopie static
//#Stdout: plugin 1
//#Stdout: plugin 2
//#Stdout: main
// Members that nobody refers to, taken for their constructors.
#include <stdio.h>

int main(void) {
    puts("main");
    return 0;
}
