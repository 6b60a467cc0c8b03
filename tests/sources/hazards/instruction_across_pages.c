//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: 305419896
// An instruction lies across the boundary of two pages, so that its fetch can fault twice.
#include <stdio.h>

__asm__(".text\n.balign 8192\n.skip 8192 - 2, 0x90\n.globl across\n"
        "across: movl $0x12345678, %eax\n ret\n");
int across(void);

int main(void) {
    printf("%d\n", across());
    return 0;
}
