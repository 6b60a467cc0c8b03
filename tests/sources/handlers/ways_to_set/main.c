//#Flags: -O1 -pthread -I$SRC/../../../include
//#Shared: libsets.so = lib.c
//#Modes: pie nopie
//#Stdout: signal: yes
//#Stdout: ssignal: yes
//#Stdout: bsd_signal: yes
//#Stdout: sysv_signal: yes
//#Stdout: sigset: yes
//#Stdout: sigaction: yes
//#Stdout: syscall(): yes
//#Stdout: read by syscall(): yes
//#Stdout: sigaction of a library: yes
//#Stdout: signal of a library: yes
//#Stdout: syscall() of a library: yes
//#Stdout: a handler of a library: yes
//#Stdout: a library's before the program's: yes
//#Stdout: a library's after the program's: yes
//#Stdout: a library's that calls the program's: yes
//#Stdout: a library asks at the start: yes
//#Stdout: saved and restored: yes
// Whoever sets a handler for faults, in whatever way, gets the faults of the program, and what was set by one is
// what another reads back. Untouched code runs before and after.
#define _GNU_SOURCE
#include "cases.h"
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

void library_sets_by_sigaction(int, void (*)(int));
void library_sets_by_signal(int, void (*)(int));
void library_sets_by_syscall(int, void (*)(int));
void library_sets_its_own(int);
int library_recovers(void);
int library_count(void);
void (*library_reads(int signal))(int);
void library_chains(int);

static sigjmp_buf back;
static volatile int count, last;

UNTOUCHED static void handler(int signal) {
    ALONE;
    count++, last = signal;
    siglongjmp(back, 1);
}
static void (*action_of(int signal))(int) {
    struct sigaction action;
    sigaction(signal, NULL, &action);
    return action.sa_handler;
}
// Twice, for some handlers serve once only.
static int gets(int times) {
    int right = untouched(1) == 2 && count == 0;
    for (volatile int i = 0; i < times; i++)
        if (!sigsetjmp(back, 1))
            *(volatile char *)8 = 1;
    return right && count == times && last == SIGSEGV;
}
static int reads_back(void) { return action_of(SIGSEGV) == handler && library_reads(SIGSEGV) == handler; }

static int by_signal(void) {
    int right = signal(SIGSEGV, handler) == SIG_DFL;
    return right && reads_back() && gets(2);
}
static int by_ssignal(void) { return ssignal(SIGSEGV, handler), reads_back() && gets(2); }
static int by_sysv_signal(void) {
    // Once, and then the default.
    sysv_signal(SIGSEGV, handler);
    return reads_back() && gets(1) && action_of(SIGSEGV) == SIG_DFL;
}
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static int by_sigset(void) { return sigset(SIGSEGV, handler), reads_back() && gets(2); }
static int by_sigaction(void) {
    struct sigaction action = {.sa_handler = handler}, old;
    sigaction(SIGSEGV, &action, &old);
    return old.sa_handler == SIG_DFL && reads_back() && gets(2);
}
struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};
static int by_syscall(void) {
    // With libc's restorer, which it has put into another action.
    struct kernel_action action;
    signal(SIGUSR1, handler);
    syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 8);
    long result = syscall(SYS_rt_sigaction, SIGSEGV, &action, NULL, 8);
    struct kernel_action now = {};
    syscall(SYS_rt_sigaction, SIGSEGV, NULL, &now, 8);
    return result == 0 && now.handler == handler && reads_back() && gets(2);
}
static int read_by_syscall(void) {
    struct kernel_action at_first = {handler}, later = {};
    syscall(SYS_rt_sigaction, SIGSEGV, NULL, &at_first, 8);
    signal(SIGSEGV, handler);
    syscall(SYS_rt_sigaction, SIGSEGV, NULL, &later, 8);
    return at_first.handler == SIG_DFL && later.handler == handler && untouched(1) == 2;
}
static int library_sigaction(void) { return library_sets_by_sigaction(SIGSEGV, handler), reads_back() && gets(2); }
static int library_signal(void) { return library_sets_by_signal(SIGSEGV, handler), reads_back() && gets(2); }
static int library_syscall(void) { return library_sets_by_syscall(SIGSEGV, handler), reads_back() && gets(2); }
static int library_own(void) {
    library_sets_its_own(SIGSEGV);
    return untouched(1) == 2 && library_recovers() && library_count() == 1;
}
static int library_first(void) {
    library_sets_its_own(SIGSEGV);
    void (*its)(int) = signal(SIGSEGV, handler);
    return its != SIG_DFL && its != handler && reads_back() && gets(2) && library_count() == 0;
}
static int library_later(void) {
    signal(SIGSEGV, handler);
    library_sets_its_own(SIGSEGV);
    return action_of(SIGSEGV) != handler && untouched(1) == 2 && library_recovers() && count == 0;
}
static int chained(void) {
    signal(SIGSEGV, handler);
    library_chains(SIGSEGV); // Its handler notes the fault and calls whose it was before.
    return gets(2) && library_count() == 2;
}
static int asked_by_library(void) { return library_reads(SIGSEGV) == SIG_DFL && library_reads(SIGBUS) == SIG_DFL; }
static int saved_and_restored(void) {
    // As code does that probes for a feature: whatever was there is put back.
    struct sigaction mine = {.sa_handler = handler}, old;
    sigaction(SIGSEGV, &mine, &old);
    sigaction(SIGSEGV, &old, NULL);
    library_sets_by_sigaction(SIGBUS, library_reads(SIGBUS));
    return untouched(1) == 2 && action_of(SIGSEGV) == SIG_DFL && action_of(SIGBUS) == SIG_DFL;
}
static int by_bsd_names(void) {
    extern void (*bsd_signal(int, void (*)(int)))(int);
    return bsd_signal(SIGSEGV, handler), reads_back() && gets(2);
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"signal", by_signal},
        {"ssignal", by_ssignal},
        {"bsd_signal", by_bsd_names},
        {"sysv_signal", by_sysv_signal},
        {"sigset", by_sigset},
        {"sigaction", by_sigaction},
        {"syscall()", by_syscall},
        {"read by syscall()", read_by_syscall},
        {"sigaction of a library", library_sigaction},
        {"signal of a library", library_signal},
        {"syscall() of a library", library_syscall},
        {"a handler of a library", library_own},
        {"a library's before the program's", library_first},
        {"a library's after the program's", library_later},
        {"a library's that calls the program's", chained},
        {"a library asks at the start", asked_by_library},
        {"saved and restored", saved_and_restored},
        {},
    });
}
