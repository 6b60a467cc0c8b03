//#Shared: libv.so = lib.c
//#SharedFlags: libv.so = -Wl,--version-script=$SRC/lib.map
//#Stdout: V1 in V1: there
//#Stdout: V2 in V2: there
//#Stdout: V1 in V2: missing
// A library has an absolute symbol for each of its versions, in that version.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int number(void);

static void look_up(const char *name, const char *version) {
    dlvsym(RTLD_DEFAULT, name, version);
    printf("%s in %s: %s\n", name, version, dlerror() ? "missing" : "there");
}

int main(void) {
    look_up("V1", "V1");
    look_up("V2", "V2");
    look_up("V1", "V2");
    return number() - 1;
}
