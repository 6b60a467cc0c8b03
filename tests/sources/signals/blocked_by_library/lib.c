#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

void call_with_signals_blocked(void (*function)(void)) {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    function();
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void call_with_signals_blocked_raw(void (*function)(void)) {
    unsigned long all = ~0ul, before;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
    function();
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
}
