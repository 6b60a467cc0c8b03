//#Archive: libhidden.a = hidden.c
//#Archive: libopen.a = open.c
//#ThinArchive: libthin.a = thin.c
//#LinkFlags: -Wl,--export-dynamic -Wl,--exclude-libs=libhidden.a:other:libthin
//#Stdout: hidden: not found, thin: not found, open: found, own: found
// What archives define can be kept from the dynamic linker.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int hidden(void), thin(void), open_one(void);

int own(void) { return hidden() + thin() + open_one(); }

static const char *look_up(const char *name) { return dlsym(RTLD_DEFAULT, name) ? "found" : "not found"; }

int main(void) {
    if (own() != 6)
        return 1;
    printf("hidden: %s, thin: %s, ", look_up("hidden"), look_up("thin"));
    printf("open: %s, own: %s\n", look_up("open_one"), look_up("own"));
    return 0;
}
