//#Modes: pie nopie
//#Flags: -g
//#Shared: libplugin.so = plugin.c
//#SharedFlags: libplugin.so = -g
//#Shared: libpart.so = part.c
//#SharedFlags: libpart.so = -g
//#Link: main.c -Wl,--no-as-needed libpart.so -ldl -Wl,--allow-shlib-undefined
//#LinkFlags: -rdynamic
#include <dlfcn.h>
#include <stdio.h>
int of_part(int);
int part_counter;
int called_back(int x) { return x + 1; }
int main(void) {
    void *plugin = dlopen("libplugin.so", RTLD_NOW);
    if (!plugin) {
        puts(dlerror());
        return 1;
    }
    int (*function)(int) = (int (*)(int))dlsym(plugin, "of_plugin");
    int sum = of_part(2) + function(3);
    puts("done");
    dlclose(plugin);
    printf("%d\n", sum);
    return 0;
}
