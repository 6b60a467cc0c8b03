//#Modes: pie nopie
//#Flags: -O1
//#Stdout: locked and allocated
//#Stdout: dropped pages come back: 8
// Address space is limited, memory locked, and pages are given back to the kernel, all of which
// changes the mappings that the image lives in.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

__attribute__((aligned(8192), noinline)) static int untouched(int x) { return x + 7; }

int main(int argc, char **argv) {
    struct rlimit limit = {4l << 30, 4l << 30};
    setrlimit(RLIMIT_AS, &limit);
    mlockall(MCL_CURRENT);
    void *block = malloc(1 << 20);
    puts(block ? "locked and allocated" : "no memory");
    munlockall();
    // The page holds one function. MADV_DONTNEED on a file mapping loses nothing.
    volatile int touched = untouched(argc);
    madvise((void *)((uintptr_t)untouched & -4096), 4096, MADV_DONTNEED);
    printf("dropped pages come back: %d\n", untouched(argc));
    return 0;
}
