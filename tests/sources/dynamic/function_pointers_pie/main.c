//#Shared: libf.so = lib.c
//#Compiler: gcc clang
//#Modes: pie
//#Stdout: libc: same yes, library: same yes
// The same in a PIE, with libc's functions too.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int function(int);
int (*address_in_library(void))(int);
static size_t (*volatile in_data)(const char *) = strlen;

int main(void) {
    void *found = dlsym(RTLD_DEFAULT, "qsort");
    extern void qsort();
    printf("libc: same %s, library: same %s\n", found == (void *)qsort ? "yes" : "no",
           function == address_in_library() ? "yes" : "no");
    return in_data("abc") != 3;
}
