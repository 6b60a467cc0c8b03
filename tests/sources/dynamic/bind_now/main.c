//#Shared: libn.so = lib.c
//#LinkFlags: -Wl,-z,now -Wl,-z,relro
//#Stdout: 3
// Immediate binding leaves nothing to bind later.
#include <stdio.h>

int f(int);

int main(void) {
    printf("%d\n", f(2));
    return 0;
}
