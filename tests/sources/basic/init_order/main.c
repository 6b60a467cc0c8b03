//#Modes: pie nopie static
//#Object: b.c c.c
//#Stdout: preinit
//#Stdout: b with priority 150
//#Stdout: main.c with priority 160
//#Stdout: c with priority 170
//#Stdout: main.c
//#Stdout: b
//#Stdout: c
//#Stdout: main
//#Stdout: fini of c
//#Stdout: fini of b
// Entries of .init_array keep the order of the objects on the command line; a priority goes
// before that order, across objects.
#include <stdio.h>

static void preinit(void) { puts("preinit"); }
__attribute__((section(".preinit_array"), used)) static void (*preinit_entry)(void) = preinit;

__attribute__((constructor(160))) static void early(void) { puts("main.c with priority 160"); }
__attribute__((constructor)) static void normal(void) { puts("main.c"); }

int main(void) {
    puts("main");
    return 0;
}
