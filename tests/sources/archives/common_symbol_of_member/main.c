//#Archive: libdata.a = data.c
//#Flags: -fcommon
//#Modes: pie nopie
//#Stdout: 0 -1
// A member that has no more than a common symbol either is not loaded for it.
#include <stdio.h>

int value;
__attribute__((weak)) int with_value(void);

int main(void) {
    printf("%d %d\n", value, with_value ? with_value() : -1);
    return 0;
}
