//#Shared: libbase.so = base.c
//#SharedFlags: libbase.so = -Wl,--version-script=$SRC/base.map
//#Shared: libone.so = one.c
//#SharedFlags: libone.so = libbase.so
//#Shared: libtwo.so = two.c
//#SharedFlags: libtwo.so = libbase.so -Wl,--version-script=$SRC/two.map
//#Link: main.c libone.so libtwo.so
//#LinkFlags: -Wl,-rpath-link,$LIB
//#Stdout: one uses new, two uses old
// Libraries bind to versions of other libraries, and have versions of their own besides.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

const char *one(void), *two(void);

int main(void) {
    printf("one uses %s, two uses %s\n", one(), two());
    return dlvsym(RTLD_DEFAULT, "two", "TWO") == NULL;
}
