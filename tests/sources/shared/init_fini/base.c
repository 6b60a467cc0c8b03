#include <stdio.h>

static int ready;
int base(void) { return ready; }
void start(void) { puts("base -init"); }
void finish(void) { puts("base -fini"); }
__attribute__((constructor)) static void last(void) { puts("base constructor"), ready++; }
__attribute__((constructor(102))) static void second(void) { puts("base constructor 102"), ready++; }
__attribute__((constructor(101))) static void first(int argc, char **argv, char **envp) {
    printf("base constructor 101 with %d arguments\n", argc), ready++;
}
__attribute__((destructor)) static void down(void) { puts("base destructor"); }
__attribute__((destructor(102))) static void down_2(void) { puts("base destructor 102"); }
__attribute__((destructor(101))) static void down_1(void) { puts("base destructor 101"); }
