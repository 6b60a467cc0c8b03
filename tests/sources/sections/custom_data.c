//#Modes: pie nopie static
//#Stdout: 1 2 3 0 abc
// Sections with names of their own, of every kind: read-only, writable, zero, and holding pointers.
#include <stdio.h>

__attribute__((section("my_rodata"))) const int constant = 1;
__attribute__((section("my_data"))) int variable = 2;
__attribute__((section(".data.rel.ro.mine"))) const int *const pointer = &constant;
__attribute__((section(".bss.mine"))) int zero;
__attribute__((section(".rodata.str.mine"))) const char text[] = "abc";
__attribute__((section("dotless.name"))) int *pointer_to_variable = &variable;

int main(void) {
    *pointer_to_variable += 1;
    printf("%d %d %d %d %s\n", *pointer, 2, variable, zero, text);
    return 0;
}
