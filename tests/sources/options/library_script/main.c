//#Archive: libreal.a = real.c
//#Shared: libneeded.so = needed.c
//#Shared: libidle.so = idle.c
//#Link: main.c -L$LIB -L$SRC -lscripted
//#Modes: pie nopie
//#Stdout: real 1, needed 2
// A text that stands for a library, as libc.so does.
#include <stdio.h>

int real(void), needed(void);

int main(void) {
    printf("real %d, needed %d\n", real(), needed());
    return 0;
}
