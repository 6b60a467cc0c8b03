//#Shared: libv.so = lib.c user.c
//#SharedFlags: libv.so = -Wl,--version-script=$SRC/lib.map
//#Stdout: program: 2, library: 2, library's old: 1
//#Stdout: data: 20, old data: 10
//#Stdout: count is local: yes
// References inside a library, to a name with several versions, mean the default one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int number(void), number_inside(void), old_number_inside(void);
extern int value;

int main(void) {
    printf("program: %d, library: %d, library's old: %d\n", number(), number_inside(), old_number_inside());
    int *old = dlvsym(RTLD_DEFAULT, "value", "V1");
    printf("data: %d, old data: %d\n", value, *old);
    printf("count is local: %s\n", dlsym(RTLD_DEFAULT, "count") ? "no" : "yes");
    return 0;
}
