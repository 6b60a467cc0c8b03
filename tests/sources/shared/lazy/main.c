//#Shared: liblazy.so = plugin.c
//#SharedFlags: liblazy.so = -Wl,-z,lazy
//#Shared: libnow.so = plugin.c
//#SharedFlags: libnow.so = -Wl,-z,now
//#Link: main.c
//#Args: $LIB/liblazy.so $LIB/libnow.so
//#Stdout: lazily: works 6
//#Stdout: lazily again at once: does not load
//#Stdout: linked with -z now: does not load
// A library may refer to a function that is nowhere, as long as nobody calls it and nothing asks to bind it.
#include <dlfcn.h>
#include <stdio.h>

static void try(const char *how, const char *path, int flags) {
    void *library = dlopen(path, flags);
    if (!library) {
        printf("%s: does not load\n", how);
        return;
    }
    int (*works)(int) = dlsym(library, "works");
    printf("%s: works %d\n", how, works(3));
    dlclose(library);
}

int main(int argc, char **argv) {
    try("lazily", argv[1], RTLD_LAZY);
    try("lazily again at once", argv[1], RTLD_NOW);
    try("linked with -z now", argv[2], RTLD_LAZY);
    return 0;
}
