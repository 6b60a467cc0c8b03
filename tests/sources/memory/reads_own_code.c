//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: the code of a function as data: the same twice
//#Stdout: through /proc/self/mem: the same
// A program reads its own instructions, by itself and through the kernel.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

__attribute__((aligned(8192), noinline)) static int never_called(int x) { return x * 12345 + 678; }

int main(void) {
    unsigned char first[16], second[16];
    const unsigned char *volatile code = (void *)never_called;
    memcpy(first, (void *)code, 16);
    memcpy(second, (void *)code, 16);
    int zero = 1;
    for (int i = 0; i < 16; i++)
        zero &= first[i] == 0;
    printf("the code of a function as data: %s\n",
           !zero && !memcmp(first, second, 16) ? "the same twice" : "wrong");
    int memory = open("/proc/self/mem", O_RDONLY);
    if (memory < 0 || pread(memory, second, 16, (off_t)code) != 16)
        return 1;
    printf("through /proc/self/mem: %s\n", memcmp(first, second, 16) ? "different" : "the same");
    return 0;
}
