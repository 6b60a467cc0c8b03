//#Object: other.c
//#Modes: pie nopie static
//#Args: x
//#Stdout: preinit 1 of 2 arguments
//#Stdout: preinit 2
//#Stdout: main: constructor 101
//#Stdout: other: constructor 101
//#Stdout: main: constructor 65000
//#Stdout: main: constructor
//#Stdout: other: constructor
//#Stdout: other: .init_array
//#Stdout: main
//#Stdout: other: destructor
//#Stdout: main: destructor
//#Stdout: main: destructor 65000
//#Stdout: other: destructor 101
//#Stdout: main: destructor 101
// The order of initialisers and finalisers of several objects.
#include <stdio.h>

static void first(int argc, char **argv) { printf("preinit 1 of %d arguments\n", argc); }
static void second(void) { puts("preinit 2"); }
__attribute__((section(".preinit_array"), used)) static void *entries[] = { first, second };
__attribute__((constructor)) static void c(void) { puts("main: constructor"); }
__attribute__((constructor(65000))) static void b(void) { puts("main: constructor 65000"); }
__attribute__((constructor(101))) static void a(void) { puts("main: constructor 101"); }
__attribute__((destructor)) static void z(void) { puts("main: destructor"); }
__attribute__((destructor(65000))) static void y(void) { puts("main: destructor 65000"); }
__attribute__((destructor(101))) static void x(void) { puts("main: destructor 101"); }

int main(void) {
    puts("main");
    return 0;
}
