//#Archive: libdata.a = data.c
//#Flags: -fcommon
//#Modes: pie nopie
//#Stdout: 77
// A common symbol of an object is defined already, yet an archive member that gives it a value
// is taken.
#include <stdio.h>

int value;

int main(void) {
    printf("%d\n", value);
    return 0;
}
