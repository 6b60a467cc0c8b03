//#LinkFlags: -rdynamic -ldl
//#Stdout: dlsym finds exported 7
//#Stdout: dlsym finds variable 8
//#Stdout: dlsym finds no hidden symbol
//#Stdout: dladdr says exported
//#Stdout: dladdr in the middle says exported
// With -rdynamic the program's own symbols can be looked up at run time, and addresses be named.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int exported(void) { return 7; }
int exported_variable = 8;
__attribute__((visibility("hidden"))) int hidden(void) { return 9; }

int main(void) {
    void *self = dlopen(NULL, RTLD_NOW);
    int (*function)(void) = dlsym(self, "exported");
    int *variable = dlsym(self, "exported_variable");
    if (!function || !variable)
        return 1;
    printf("dlsym finds exported %d\n", function());
    printf("dlsym finds variable %d\n", *variable);
    printf("dlsym finds %s\n", dlsym(self, "hidden") ? "a hidden symbol" : "no hidden symbol");
    Dl_info info;
    if (!dladdr(exported, &info))
        return 2;
    printf("dladdr says %s\n", info.dli_sname);
    if (!dladdr((char *)exported + 2, &info))
        return 3;
    printf("dladdr in the middle says %s\n", info.dli_sname);
    return hidden() != 9;
}
