//#Modes: pie nopie static static-pie
//#Stdout: constructor 101
//#Stdout: constructor 200
//#Stdout: constructor
//#Stdout: main
//#Stdout: atexit second
//#Stdout: atexit first
//#Stdout: destructor
//#Stdout: destructor 200
//#Stdout: destructor 101
// Constructors run in the order of their priorities before main, destructors in the opposite
// order after what atexit has registered.
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void construct(void) { puts("constructor"); }
__attribute__((constructor(200))) static void construct_200(void) { puts("constructor 200"); }
__attribute__((constructor(101))) static void construct_101(void) { puts("constructor 101"); }
__attribute__((destructor)) static void destroy(void) { puts("destructor"); }
__attribute__((destructor(200))) static void destroy_200(void) { puts("destructor 200"); }
__attribute__((destructor(101))) static void destroy_101(void) { puts("destructor 101"); }

static void first(void) { puts("atexit first"); }
static void second(void) { puts("atexit second"); }

int main(void) {
    atexit(first);
    atexit(second);
    puts("main");
    return 0;
}
