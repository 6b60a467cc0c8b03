//#Shared: liblibrary.so = library.c
//#LinkFlags: -Wl,--defsym=renamed=actual
//#Stdout: 9
// A shared library finds a symbol that the command line defines.
#include <stdio.h>

int actual(void) { return 9; }
int of_library(void);

int main(void) {
    printf("%d\n", of_library());
    return 0;
}
