//#Flags: -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: SIGUSR1 handled: 1
//#Stdout: with information: value 77
//#Stdout: on the alternate stack: yes
//#Stdout: SIGALRM handled: 1
// Signal handlers in code that nothing has touched before the signal arrives.
#define _GNU_SOURCE
#include "untouched.h"
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t usr1, alarmed, value, on_stack;
static char stack[64 * 1024];

UNTOUCHED static void on_usr1(int signal) {
    ALONE;
    usr1++;
}
UNTOUCHED static void on_usr2(int signal, siginfo_t *info, void *context) {
    ALONE;
    char here;
    value = info->si_value.sival_int;
    on_stack = &here >= stack && &here < stack + sizeof stack;
}
UNTOUCHED static void on_alarm(int signal) {
    ALONE;
    alarmed++;
}

int main(void) {
    signal(SIGUSR1, on_usr1);
    raise(SIGUSR1);
    printf("SIGUSR1 handled: %d\n", usr1);

    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_sigaction = on_usr2, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGUSR2, &action, NULL);
    sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 77});
    printf("with information: value %d\n", value);
    printf("on the alternate stack: %s\n", on_stack ? "yes" : "no");

    signal(SIGALRM, on_alarm);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    ualarm(1000, 0);
    while (!alarmed)
        sigsuspend(&before);
    printf("SIGALRM handled: %d\n", alarmed);
    return 0;
}
