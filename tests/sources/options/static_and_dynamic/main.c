//#Archive: libpart.a = part.c
//#Shared: libpart.so = part_shared.c
//#Link: main.c -L$LIB -Wl,-Bstatic -lpart -Wl,-Bdynamic -lm
//#Modes: pie nopie
//#Stdout: from the archive
// Of a library that exists in both forms, -Bstatic takes the archive.
#include <stdio.h>

const char *part(void);

int main(void) {
    puts(part());
    return 0;
}
