//#Shared: libbase.so = base.c
//#Shared: libtop.so = top.c
//#SharedFlags: libtop.so = -L$LIB -l:libbase.so
//#Link: main.c libtop.so
//#LinkFlags: -Wl,-rpath-link,$LIB
//#Stdout: 12
// A library's own library is not named on the command line; its symbols are found for the check of
// undefined ones, but are not linked against.
#include <stdio.h>

int top(void);

int main(void) {
    printf("%d\n", top());
    return 0;
}
