//#Flags: -fPIC
//#LinkFlags: -Wl,-z,norelro
//#Modes: pie nopie static static-pie
//#Stdout: 2
// Without RELRO, what is relocated once stays writable.
#include <stdio.h>

static int one = 1, two = 2;
static int *const pointers[] = {&one, &two};

int main(void) {
    int *volatile *place = (int *volatile *)&pointers[0];
    *place = &two;
    printf("%d\n", **place);
    return 0;
}
