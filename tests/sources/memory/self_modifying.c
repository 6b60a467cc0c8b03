//#Flags: -O1
//#Modes: pie nopie
//#Stdout: before 1
//#Stdout: after 2
// A program makes its own text writable and changes it. The change stays.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

__attribute__((aligned(8192), noinline)) static int patched(void) {
    int result;
    __asm__ volatile("movl $1, %0" : "=r"(result));
    return result;
}

int main(void) {
    int (*volatile function)(void) = patched;
    printf("before %d\n", function());
    unsigned char *code = (void *)function;
    if (mprotect(code, 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
        return 1;
    for (int i = 0; i < 32; i++) {
        if (!memcmp(code + i, "\1\0\0\0", 4)) {
            code[i] = 2;
            break;
        }
    }
    mprotect(code, 4096, PROT_READ | PROT_EXEC);
    printf("after %d\n", function());
    return 0;
}
