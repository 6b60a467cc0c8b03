//#Modes: pie nopie
//#Stdout: with 64 MiB of address space: 9
//#Stdout: memory is exhausted in an orderly way
// Code is touched for the first time when the process may have no more memory.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

__attribute__((aligned(65536), noinline)) static int untouched(int x) { return x + 8; }

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct rlimit limit = {64 << 20, 64 << 20};
    setrlimit(RLIMIT_AS, &limit);
    while (malloc(1 << 16)) {
    }
    while (malloc(16)) {
    }
    printf("with 64 MiB of address space: %d\n", untouched(argc));
    puts("memory is exhausted in an orderly way");
    return 0;
}
