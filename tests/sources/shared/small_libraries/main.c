//#Shared: libdata.so = data.c
//#Shared: libempty.so = empty.c
//#Shared: libbare.so = bare.S
//#SharedFlags: libbare.so = -nostdlib
//#Shared: libzero.so = zero.c
//#Link: main.c -Wl,--no-as-needed libdata.so libempty.so libbare.so libzero.so
//#Modes: pie nopie
//#Stdout: data 1 text, bare 9, zero 0 0 5
//#Stdout: all four are loaded: yes
// Libraries with data only, with nothing at all, without libc, and with much memory that is zero.
#include <dlfcn.h>
#include <stdio.h>

extern int number;
extern const char text[];
int bare(void), *zero(long);

int main(void) {
    *zero(50000000) = 5;
    printf("data %d %s, bare %d, zero %d %d %d\n", number, text, bare(), *zero(0), *zero(99999999), *zero(50000000));
    const char *names[] = {"libdata.so", "libempty.so", "libbare.so", "libzero.so"};
    int loaded = 0;
    for (int i = 0; i < 4; i++)
        loaded += dlopen(names[i], RTLD_NOW | RTLD_NOLOAD) != NULL;
    printf("all four are loaded: %s\n", loaded == 4 ? "yes" : "no");
    return 0;
}
