//#Flags: -O1 -I$SRC/../../../include
//#Shared: libplugin.so = plugin.c
//#Link: main.c
//#LinkFlags: -ldl
//#Modes: pie nopie
//#Env: PLUGIN=$LIB/libplugin.so
//#Stdout: opening it blocks, and untouched code runs: yes
//#Stdout: what it wants blocked is: yes
//#Stdout: what it has handled is handled: yes
// A library that is opened by dlopen blocks every signal in its constructor, and finds libc's functions by dlsym:
// nothing of the program names them.
#include "untouched.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    void *plugin = dlopen(getenv("PLUGIN"), RTLD_NOW | RTLD_LOCAL);
    if (!plugin)
        return puts(dlerror());
    printf("opening it blocks, and untouched code runs: %s\n", untouched(argc) == argc + 1 ? "yes" : "no");
    printf("what it wants blocked is: %s\n", ((int (*)(void))dlsym(plugin, "is_blocked"))() ? "yes" : "no");
    int handled = ((int (*)(void))dlsym(plugin, "handles"))();
    printf("what it has handled is handled: %s\n", handled ? "yes" : "no");
    return 0;
}
