//#Shared: libv.so = lib.c
//#SharedFlags: libv.so = -Wl,--version-script=$SRC/lib.map
//#Stdout: 1 2 3
//#Stdout: looked up: 1 2
// Definitions that name an empty version, and a reference to one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int old(void), plain(void), named(void);
__asm__(".symver old,hidden@");

int main(void) {
    printf("%d %d %d\n", old(), plain(), named());
    int (*hidden_one)(void) = dlsym(RTLD_DEFAULT, "hidden"), (*plain_one)(void) = dlsym(RTLD_DEFAULT, "plain");
    printf("looked up: %d %d\n", hidden_one(), plain_one());
    return 0;
}
