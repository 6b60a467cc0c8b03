//#Shared: libcpp.so = lib.cpp
//#SharedFlags: libcpp.so = -static-libgcc -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -Wl,--version-script=$SRC/lib.map
//#Stdout: sorted 1 2 3, caught bad number, formatted 3.25
//#Stdout: nothing of the runtime is exported: yes
// A library that brings the whole C++ runtime along, and shows nothing of it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

const char *work(void);

int main(void) {
    puts(work());
    void *library = dlopen("libcpp.so", RTLD_NOW | RTLD_NOLOAD);
    void *found = dlsym(library, "__cxa_throw");
    printf("nothing of the runtime is exported: %s\n", found ? "no" : "yes");
    return 0;
}
