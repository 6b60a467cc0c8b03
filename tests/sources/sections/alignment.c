//#Modes: pie nopie static
//#Flags: -O1
//#Stdout: aligned: 64 4096 65536 32 4096
//#Stdout: values 1 2 3 4
// Strict alignments in data, bss, rodata and text hold at run time.
#include <stdint.h>
#include <stdio.h>

__attribute__((aligned(64))) int data64 = 1;
char odd1 = 1;
__attribute__((aligned(4096))) int data4096 = 2;
char odd2 = 1;
__attribute__((aligned(65536))) char bss65536[3];
__attribute__((aligned(32))) const int rodata32[3] = {3};
__attribute__((aligned(4096))) int function4096(void) { return 4; }

static uintptr_t alignment(const volatile void *pointer, uintptr_t wanted) {
    return (uintptr_t)pointer % wanted == 0 ? wanted : (uintptr_t)pointer & -(uintptr_t)pointer;
}

int main(void) {
    printf("aligned: %lu %lu %lu %lu %lu\n", alignment(&data64, 64), alignment(&data4096, 4096),
           alignment(bss65536, 65536), alignment(rodata32, 32),
           alignment((void *)function4096, 4096));
    printf("values %d %d %d %d\n", data64, data4096, rodata32[0], function4096());
    return 0;
}
