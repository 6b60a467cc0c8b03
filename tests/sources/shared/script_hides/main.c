//#Shared: liba.so = lib.c more.c
//#SharedFlags: liba.so = -Wl,--version-script=$SRC/exports.map
//#LinkFlags: -rdynamic
//#Stdout: library's helper, library's state 1
//#Stdout: 2 3 4
//#Stdout: api_call found, api_data found, helper not found, state not found, exact_1 found, exact_2 not found
// What a version script calls local is neither found from outside nor replaced by the program's own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

const char *helper(void) { return "program's helper"; }
int state = 100;
const char *api_call(void);
int api_state(void), api_more(void), exact_1(void);
extern int api_data;

int main(void) {
    printf("%s, library's state %d\n", api_call(), api_state());
    printf("%d %d %d\n", api_data, api_more(), exact_1());
    void *library = dlopen("liba.so", RTLD_NOW | RTLD_NOLOAD);
    const char *names[] = {"api_call", "api_data", "helper", "state", "exact_1", "exact_2"};
    for (int i = 0; i < 6; i++) {
        void *found = dlsym(library, names[i]);
        printf("%s %s%s", names[i], found ? "found" : "not found", i < 5 ? ", " : "\n");
    }
    return 0;
}
