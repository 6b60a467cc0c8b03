//#Shared: libold.so = old.c
//#SharedFlags: libold.so = -Wl,-soname,libv.so -Wl,--version-script=$SRC/old.map
//#Shared: libv.so = new.c
//#SharedFlags: libv.so = -Wl,--version-script=$SRC/new.map
//#Link: main.c libold.so
//#Stdout: the new library behaves as the old one did
//#Stdout: V_1 old V_2 new default new
//#Stdout: no such version: not found
//#Stdout: only_new: 7, as V_1: not found
// A program that was linked against an old library gets from the new one the functions that it knew.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const char *behave(void);

static const char *as(void *library, const char *version) {
    const char *(*function)(void) = version ? dlvsym(library, "behave", version) : dlsym(library, "behave");
    return function ? function() : "not found";
}

int main(void) {
    printf("the new library behaves %s\n", strcmp(behave(), "old") ? "in a new way" : "as the old one did");
    void *library = dlopen("libv.so", RTLD_NOW | RTLD_NOLOAD);
    printf("V_1 %s V_2 %s default %s\n", as(library, "V_1"), as(library, "V_2"), as(library, NULL));
    printf("no such version: %s\n", as(library, "V_3"));
    int (*only_new)(void) = dlvsym(library, "only_new", "V_2");
    printf("only_new: %d, as V_1: %s\n", only_new(), dlvsym(library, "only_new", "V_1") ? "found" : "not found");
    return 0;
}
