#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void block_by_sigprocmask(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}

void block_by_pthread_sigmask(void) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

void block_by_syscall(void) {
    unsigned long all = ~0ul;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
}

static void (*to_call)(void);
static void *body(void *unused) {
    to_call();
    return NULL;
}
void call_in_thread(void (*function)(void)) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigfillset(&all);
    to_call = function;
    pthread_attr_init(&attributes);
    pthread_attr_setsigmask_np(&attributes, &all);
    pthread_create(&thread, &attributes, body, NULL);
    pthread_join(thread, NULL);
}

static void handler(int signal) { to_call(); }
void call_in_handler(void (*function)(void)) {
    struct sigaction action = {.sa_handler = handler};
    sigfillset(&action.sa_mask);
    to_call = function;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
}
void call_in_handler_by_syscall(void (*function)(void)) {
    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action;
    to_call = function;
    signal(SIGUSR1, handler);
    syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 8);
    action.mask = ~0ul;
    syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8);
    raise(SIGUSR1);
}

void call_waiting(void (*function)(int)) {
    sigset_t one, others;
    signal(SIGUSR1, function);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigprocmask(SIG_BLOCK, &one, NULL);
    raise(SIGUSR1);
    sigfillset(&others);
    sigdelset(&others, SIGUSR1);
    ppoll(NULL, 0, NULL, &others);
}
