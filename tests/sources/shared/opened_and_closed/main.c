//#Shared: libp.so = plugin.c
//#Shared: libstays.so = plugin.c
//#SharedFlags: libstays.so = -Wl,-z,nodelete
//#Link: main.c
//#Args: $LIB
//#Stdout: libp.so opens
//#Stdout: counted 1 2
//#Stdout: dladdr: count in libp.so, inside a static function: none
//#Stdout: libp.so closes
//#Stdout: libp.so opens
//#Stdout: counted 1 2
//#Stdout: dladdr: count in libp.so, inside a static function: none
//#Stdout: libp.so closes
//#Stdout: libstays.so opens
//#Stdout: counted 1 2
//#Stdout: dladdr: count in libstays.so, inside a static function: none
//#Stdout: counted 3 4
//#Stdout: dladdr: count in libstays.so, inside a static function: none
//#Stdout: libstays.so closes
// Libraries that are opened twice begin anew, unless they are linked to stay.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *base_name(const char *path) { return strrchr(path, '/') + 1; }

int main(int argc, char **argv) {
    const char *names[] = {"libp.so", "libp.so", "libstays.so", "libstays.so"};
    for (int i = 0; i < 4; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], names[i]);
        setenv("PLUGIN", names[i], 1);
        void *library = dlopen(path, RTLD_LAZY);
        int (*count)(void) = dlsym(library, "count");
        printf("counted %d", count());
        printf(" %d\n", count());
        void *(*own)(void) = dlsym(library, "address_of_static");
        Dl_info info, inside;
        dladdr((char *)count + 1, &info);
        dladdr((char *)own(), &inside);
        printf("dladdr: %s in %s, inside a static function: %s\n", info.dli_sname, base_name(info.dli_fname),
               inside.dli_sname ? inside.dli_sname : "none");
        dlclose(library);
    }
    return 0;
}
