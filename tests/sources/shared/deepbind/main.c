//#Shared: libp.so = plugin.c
//#Link: main.c
//#LinkFlags: -rdynamic
//#Args: $LIB/libp.so
//#Stdout: opened usually: program's
//#Stdout: opened with RTLD_DEEPBIND: plugin's
// RTLD_DEEPBIND turns the order of lookup round.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

const char *name(void) { return "program's"; }

int main(int argc, char **argv) {
    int flags[] = {0, RTLD_DEEPBIND};
    for (int i = 0; i < 2; i++) {
        void *library = dlopen(argv[1], RTLD_NOW | flags[i]);
        const char *(*call)(void) = dlsym(library, "call");
        printf("opened %s: %s\n", i ? "with RTLD_DEEPBIND" : "usually", call());
        dlclose(library);
    }
    return 0;
}
