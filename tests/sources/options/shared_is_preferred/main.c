//#Archive: libpart.a = part.c
//#Shared: libpart.so = part_shared.c
//#Archive: libexact.a = exact.c
//#Link: main.c -L$LIB -lpart -l:libexact.a
//#Modes: pie nopie
//#Stdout: from the shared library, exact
// Without -Bstatic the shared library comes first, and -l: names a file exactly.
#include <stdio.h>

const char *part(void), *exact(void);

int main(void) {
    printf("%s, %s\n", part(), exact());
    return 0;
}
