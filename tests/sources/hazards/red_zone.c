//#Flags: -O2 -fno-stack-protector
//#Modes: pie nopie static
//#Stdout: the red zone is kept: 1234
// A function without calls keeps values below its stack pointer. A fault handler that runs on this stack
// must not overwrite the 128 bytes there.
#include <stdio.h>

// Stores below the stack pointer, and then goes on to a page that nobody has touched.
__asm__(".text\n.balign 8192\n.globl red_zone\n"
        "red_zone: movq $1000, -8(%rsp)\n movq $200, -64(%rsp)\n movq $34, -128(%rsp)\n jmp next_page\n"
        ".balign 8192\n"
        "next_page: mov -8(%rsp), %rax\n add -64(%rsp), %rax\n add -128(%rsp), %rax\n ret\n");
long red_zone(void);

int main(void) {
    printf("the red zone is kept: %ld\n", red_zone());
    return 0;
}
