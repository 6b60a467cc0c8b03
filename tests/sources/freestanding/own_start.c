//#Flags: -O1
//#LinkFlags: -nostartfiles
//#Modes: pie nopie
//#Stdout: constructors: 12
//#Stdout: main: 42
//#Stdout: destructors
// A program with libc, but with a start of its own, constructors in an order, and code that was never touched in all.
#include "../../fixtures/far.h"
#include <stdio.h>

FAR_FUNCTION(far_add, 1)
FAR_FUNCTION(far_more, 41)
static int order;
__attribute__((constructor(200))) static void second(void) { order = order * 10 + far_add(1); }
__attribute__((constructor(101))) static void first(void) { order = order * 10 + far_add(0); }
__attribute__((destructor)) static void last(void) {
    FAR(order);
    puts("destructors");
    FAR(order);
}
int main(int argc, char **argv) {
    printf("constructors: %d\n", order);
    printf("main: %d\n", far_more(argc));
    return 0;
}
extern int __libc_start_main(int (*)(int, char **), int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
__attribute__((used)) static void start(long *stack, void (*end)(void)) {
    __libc_start_main((int (*)(int, char **))main, (int)stack[0], (char **)(stack + 1), 0, 0, end, 0);
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\nmov %rsp, %rdi\nmov %rdx, %rsi\nand $-16, %rsp\ncall start\nhlt");
