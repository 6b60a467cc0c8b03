#include <stdio.h>

__attribute__((constructor(101))) static void early(void) { puts("other: constructor 101"); }
__attribute__((constructor)) static void late(void) { puts("other: constructor"); }
__attribute__((destructor(101))) static void last(void) { puts("other: destructor 101"); }
__attribute__((destructor)) static void first(void) { puts("other: destructor"); }
static void unnumbered(void) { puts("other: .init_array"); }
__attribute__((section(".init_array"), used)) static void (*entry)(void) = unnumbered;
