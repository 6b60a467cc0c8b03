//#LinkFlags: -Wl,--dynamic-list=$SRC/list.txt -Wl,--export-dynamic-symbol=also_exported
//#Stdout: listed: found
//#Stdout: also exported: found
//#Stdout: not listed: not found
// Only chosen symbols of the program can be looked up at run time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int listed(void) { return 1; }
int also_exported(void) { return 2; }
int not_listed(void) { return 3; }

static const char *look_up(const char *name) { return dlsym(RTLD_DEFAULT, name) ? "found" : "not found"; }

int main(void) {
    printf("listed: %s\n", look_up("listed"));
    printf("also exported: %s\n", look_up("also_exported"));
    printf("not listed: %s\n", look_up("not_listed"));
    return 0;
}
