//#Shared: libcb.so = lib.c
//#Flags: -O1
//#Modes: pie nopie
//#Stdout: the library needs us: 12
// A library refers to symbols that only the program defines. They have to be exported although nobody asked
// for it.
#include <stdio.h>

int provided(void) { return 4; }
int provided_variable = 8;
int library(void);

int main(void) {
    printf("the library needs us: %d\n", library());
    return 0;
}
