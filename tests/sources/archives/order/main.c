//#Archive: libfirst.a = first.c
//#Archive: libsecond.a = second.c extra.c
//#Link: main.c libfirst.a libsecond.a
//#Modes: pie nopie
//#Stdout: first library
// The first archive on the line that defines a symbol provides it.
#include <stdio.h>

const char *which(void);

int main(void) {
    puts(which());
    return 0;
}
