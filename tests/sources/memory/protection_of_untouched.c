//#Flags: -O1
//#Modes: pie nopie
//#Stdout: the neighbour is still code: 5
//#Stdout: and so is it after another change: 6
// A program changes the protection of a range of its text in which a page was never touched. That page
// must still hold code afterwards, and not zeros.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

__attribute__((aligned(8192), noinline)) static int touched(int x) { return x + 1; }
__attribute__((aligned(4096), noinline)) static int neighbour(int x) { return x + 4; }
__attribute__((aligned(4096), noinline)) static int next_neighbour(int x) { return x + 5; }

int main(int argc, char **argv) {
    char *start = (char *)((uintptr_t)touched & -8192);
    volatile int one = touched(argc);
    if (mprotect(start, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
        return 1;
    printf("the neighbour is still code: %d\n", neighbour(argc));
    if (mprotect(start, 12288, PROT_READ | PROT_EXEC))
        return 2;
    printf("and so is it after another change: %d\n", next_neighbour(argc));
    return 0;
}
