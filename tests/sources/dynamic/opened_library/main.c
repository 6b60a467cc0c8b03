//#Shared: libplugin.so = plugin.c
//#Link: main.c
//#LinkFlags: -rdynamic
//#Flags: -O1
//#Args: $LIB/libplugin.so
//#Stdout: the plugin calls back: 42
//#Stdout: the plugin sorts: 1 2 3
// A library that is opened later calls functions of the program which nobody has called before.
#include <dlfcn.h>
#include <stdio.h>

int host_service(int x) { return x * 2; }
int host_compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(int argc, char **argv) {
    void *plugin = dlopen(argv[1], RTLD_NOW);
    if (!plugin) {
        printf("%s\n", dlerror());
        return 1;
    }
    int (*run)(int) = (int (*)(int))dlsym(plugin, "plugin_run");
    printf("the plugin calls back: %d\n", run(21));
    void (*sort)(int *, int) = (void (*)(int *, int))dlsym(plugin, "plugin_sort");
    int numbers[] = {3, 1, 2};
    sort(numbers, 3);
    printf("the plugin sorts: %d %d %d\n", numbers[0], numbers[1], numbers[2]);
    return dlclose(plugin);
}
