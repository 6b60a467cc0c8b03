//#Flags: -I$SRC/../../include
//#Modes: pie nopie
//#Stdout: ran on a stack of 8 KiB: 5
// A handler on an alternate stack of a few KiB calls untouched code, so that a fault handler may have to run
// below it on the same stack.
#include "untouched.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int seen;
UNTOUCHED static int plus_four(int x) {
    ALONE;
    return x + 4;
}
static void handler(int signal) { seen = plus_four(1); }

int main(void) {
    void *stack = malloc(8192);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = 8192}, NULL);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("ran on a stack of 8 KiB: %d\n", seen);
    return 0;
}
