//#Flags: -O1 -pthread -I$SRC/../../../include
//#Shared: libblock.so = lib.c
//#Modes: pie nopie
//#Stdout: by sigprocmask: yes
//#Stdout: by pthread_sigmask: yes
//#Stdout: by syscall(): yes
//#Stdout: for a thread that it makes: yes
//#Stdout: for a handler of its own: yes
//#Stdout: for a handler that it sets by syscall(): yes
//#Stdout: while it waits: yes
// A library blocks every signal, by libc's functions and by system calls through libc, and then calls back
// into untouched code.
#include "cases.h"
#include <signal.h>

void block_by_sigprocmask(void);
void block_by_pthread_sigmask(void);
void block_by_syscall(void);
void call_in_thread(void (*)(void));
void call_in_handler(void (*)(void));
void call_in_handler_by_syscall(void (*)(void));
void call_waiting(void (*)(int));

static volatile int seen;
static int blocked(int signal) {
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, signal);
}
static int runs_blocked(void) {
    return untouched(41) == 42 && blocked(SIGSEGV) && blocked(SIGBUS) && blocked(SIGTERM);
}
UNTOUCHED static void callback(void) {
    ALONE;
    seen = blocked(SIGSEGV) && blocked(SIGBUS) && blocked(SIGTERM);
}
UNTOUCHED static void handler(int signal) {
    ALONE;
    seen = blocked(SIGSEGV) && blocked(SIGBUS) && blocked(SIGTERM);
}

static int by_sigprocmask(void) { return block_by_sigprocmask(), runs_blocked(); }
static int by_pthread_sigmask(void) { return block_by_pthread_sigmask(), runs_blocked(); }
static int by_syscall(void) { return block_by_syscall(), runs_blocked(); }
static int in_thread(void) { return call_in_thread(callback), seen; }
static int in_handler(void) { return call_in_handler(callback), seen; }
static int in_handler_by_syscall(void) { return call_in_handler_by_syscall(callback), seen; }
static int waiting(void) { return call_waiting(handler), seen; }

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"by sigprocmask", by_sigprocmask},
        {"by pthread_sigmask", by_pthread_sigmask},
        {"by syscall()", by_syscall},
        {"for a thread that it makes", in_thread},
        {"for a handler of its own", in_handler},
        {"for a handler that it sets by syscall()", in_handler_by_syscall},
        {"while it waits", waiting},
        {},
    });
}
