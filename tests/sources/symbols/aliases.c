//#Modes: pie nopie static
//#Flags: -O1
//#Stdout: 42 42 42
//#Stdout: same address: yes
//#Stdout: absolute 0x1234
// Aliases, local and weak, and an absolute symbol.
#include <stdio.h>

int original(void) { return 42; }
int strong_alias(void) __attribute__((alias("original")));
int weak_alias(void) __attribute__((weak, alias("original")));
__asm__(".globl absolute_symbol\n.set absolute_symbol, 0x1234\n");
// The value goes through a constant in memory: an absolute symbol does not move with a PIE.
__asm__(".section .rodata\n.globl absolute_value\nabsolute_value: .quad absolute_symbol\n.text\n");
extern const unsigned long absolute_value;

int main(void) {
    printf("%d %d %d\n", original(), strong_alias(), weak_alias());
    int (*volatile a)(void) = original, (*volatile b)(void) = weak_alias;
    printf("same address: %s\n", a == b ? "yes" : "no");
    printf("absolute %#lx\n", absolute_value);
    return 0;
}
