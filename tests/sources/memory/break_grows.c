//#Modes: pie nopie static
//#Stdout: the break is after the program's data: yes
//#Stdout: the break grows: yes
// The heap begins after bss, and can grow.
#define _DEFAULT_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char bss[5000];
extern char end[];

int main(void) {
    char *old = sbrk(0);
    // With a randomised break, a PIE's may lie anywhere above its data, but never inside of it.
    printf("the break is after the program's data: %s\n", old >= end || old < bss ? "yes" : "no");
    char *block = sbrk(1 << 20);
    if (block == (void *)-1)
        return 1;
    memset(block, 1, 1 << 20);
    printf("the break grows: %s\n", (char *)sbrk(0) - block >= 1 << 20 ? "yes" : "no");
    return bss[4999];
}
