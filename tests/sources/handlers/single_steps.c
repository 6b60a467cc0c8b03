//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: as many steps as in touched code: yes
//#Stdout: all within the functions that run: yes
// A program counts its own instructions with the trap flag, and finds as many in untouched code as in touched code.
#define _GNU_SOURCE
#include "untouched.h"
#include <signal.h>
#include <stdio.h>
#include <ucontext.h>

static volatile int steps, elsewhere;
static void on_step(int signal, siginfo_t *info, void *context);
__attribute__((noipa)) static int stepped(void) {
    int result;
    __asm__ volatile("sub $128, %%rsp\n\tmov $1, %%edi\n\tpushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tcall *%1\n\t"
                     "pushf\n\tandl $~0x100, (%%rsp)\n\tpopf\n\tadd $128, %%rsp"
                     : "=a"(result) : "r"(untouched)
                     : "rdi", "rsi", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "memory");
    return result;
}
static void on_step(int signal, siginfo_t *info, void *context) {
    long at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    steps++;
    int in_far = at >= (long)untouched && at < (long)untouched + 200000;
    int in_near = at >= (long)stepped && at < (long)stepped + 200;
    elsewhere += !in_far && !in_near;
}

int main(void) {
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    int first = stepped(), first_steps = steps;
    steps = 0;
    int second = stepped();
    printf("as many steps as in touched code: %s\n",
           first == 2 && second == 2 && steps == first_steps && steps > 5 ? "yes" : "no");
    printf("all within the functions that run: %s\n", elsewhere == 0 ? "yes" : "no");
    return 0;
}
