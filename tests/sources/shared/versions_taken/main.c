//#Shared: libv.so = lib.c
//#SharedFlags: libv.so = -Wl,--version-script=$SRC/lib.map
//#Stdout: 1 1 1 1 1
//#Stdout: inside: 2 2
// A name that a version lists, and that another definition has in that version already, is not exported twice.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int one_inside(void), two_inside(void);

int main(void) {
    const char *names[] = {"one", "two", "three", "four", "five"};
    for (int i = 0; i < 5; i++) {
        int (*found)(void) = dlvsym(RTLD_DEFAULT, names[i], "V1");
        printf("%d%c", found(), i < 4 ? ' ' : '\n');
    }
    printf("inside: %d %d\n", one_inside(), two_inside());
    return 0;
}
