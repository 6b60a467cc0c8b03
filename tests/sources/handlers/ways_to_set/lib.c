#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef void (*function)(int);

void library_sets_by_sigaction(int number, function handler) {
    struct sigaction action = {.sa_handler = handler};
    sigaction(number, &action, NULL);
}
void library_sets_by_signal(int number, function handler) { signal(number, handler); }
void library_sets_by_syscall(int number, function handler) {
    struct { function handler; unsigned long flags; void *restorer; unsigned long mask; } action;
    signal(SIGUSR2, handler);
    syscall(SYS_rt_sigaction, SIGUSR2, NULL, &action, 8);
    syscall(SYS_rt_sigaction, number, &action, NULL, 8);
}
function library_reads(int number) {
    struct sigaction action;
    sigaction(number, NULL, &action);
    return action.sa_handler;
}

static sigjmp_buf back;
static volatile int count;
static void own(int number) {
    count++;
    siglongjmp(back, 1);
}
void library_sets_its_own(int number) {
    struct sigaction action = {.sa_handler = own};
    sigaction(number, &action, NULL);
}
int library_recovers(void) {
    if (sigsetjmp(back, 1))
        return 1;
    *(volatile char *)8 = 1;
    return 0;
}
int library_count(void) { return count; }

static struct sigaction before;
static void chains(int number, siginfo_t *info, void *context) {
    count++;
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else
        before.sa_handler(number);
}
void library_chains(int number) {
    struct sigaction action = {.sa_sigaction = chains, .sa_flags = SA_SIGINFO};
    sigaction(number, &action, &before);
}
