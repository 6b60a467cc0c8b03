//#Shared: liba.so = lib.c
//#Shared: libb.so = b.c
//#Object: own.c
//#Compiler: gcc clang
//#Stdout: a: 1 2
//#Stdout: b: 3 4 5
//#Stdout: program: 6
//#Stdout: a: GOT yes, dynamic section yes, handle yes
//#Stdout: dlsym finds bounds: no
// Each library has its own bounds of a section, its own GOT and its own dynamic section.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

void show_a(void), show_b(void), show_own(void), internals(void);

int main(void) {
    show_a();
    show_b();
    show_own();
    internals();
    printf("dlsym finds bounds: %s\n", dlsym(RTLD_DEFAULT, "__start_numbers") ? "yes" : "no");
    return 0;
}
