//#Object: a.c b.c c.c
//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: 1 22 333
// Calls and data references between several objects.
#include <stdio.h>

int a(void), b(void), c(void);

int main(void) {
    printf("%d %d %d\n", a(), b(), c());
    return 0;
}
