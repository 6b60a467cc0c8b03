//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: by sigprocmask: yes
//#Stdout: by pthread_sigmask: yes
//#Stdout: by syscall(): yes
//#Stdout: by sigblock and sigsetmask: yes
//#Stdout: by sighold: yes
//#Stdout: by sigset: yes
//#Stdout: inherited by a thread: yes
//#Stdout: by an attribute of a thread: yes
//#Stdout: taken away by an attribute: yes
//#Stdout: inherited by a child: yes
//#Stdout: in a handler that blocks all: yes
//#Stdout: in such a handler, itself untouched: yes
//#Stdout: in a handler set by syscall(): yes
//#Stdout: sigsuspend: yes
//#Stdout: sigsuspend by syscall(): yes
//#Stdout: pselect: yes
//#Stdout: ppoll: yes
//#Stdout: ppoll by syscall(): yes
//#Stdout: epoll_pwait: yes
//#Stdout: epoll_pwait2: yes
//#Stdout: sigpause: yes
//#Stdout: siglongjmp to where all were blocked: yes
//#Stdout: siglongjmp to where none was: yes
//#Stdout: setcontext: yes
//#Stdout: swapcontext: yes
//#Stdout: getcontext reads it back: yes
//#Stdout: a handler changes the mask it returns to: yes
//#Stdout: a handler reads the mask it returns to: yes
//#Stdout: siginterrupt: yes
//#KnownDifference: a handler changes the mask it returns to: died by signal 11
//#KnownDifference: a handler reads the mask it returns to: no
// Untouched code runs while every signal is blocked, in all the ways in which a program can come to that, and the
// mask reads back as it was set.
#define _GNU_SOURCE
#include "cases.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <ucontext.h>

static sigset_t all, none, but_usr1;
static volatile int seen;

static void *thread_body(void *unused);
static int blocked(int signal) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, signal);
}
static int all_blocked(void) { return blocked(SIGSEGV) && blocked(SIGBUS) && blocked(SIGTERM); }
static int runs_blocked(void) { return untouched(41) == 42 && all_blocked(); }

__attribute__((constructor)) static void make_sets(void) {
    sigfillset(&all);
    sigfillset(&but_usr1);
    sigdelset(&but_usr1, SIGUSR1);
}

static int by_sigprocmask(void) {
    sigset_t before;
    sigprocmask(SIG_SETMASK, &all, NULL);
    int right = runs_blocked();
    sigprocmask(SIG_SETMASK, &none, &before);
    return right && sigismember(&before, SIGSEGV) && !blocked(SIGSEGV) && !blocked(SIGTERM);
}
static int by_pthread_sigmask(void) {
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    int right = runs_blocked();
    pthread_sigmask(SIG_UNBLOCK, &but_usr1, NULL);
    return right && !blocked(SIGSEGV) && blocked(SIGUSR1);
}
static int by_syscall(void) {
    unsigned long set = ~0ul, before = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, &before, 8);
    int right = before == 0 && runs_blocked();
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, &set, 8);
    // The kernel takes SIGKILL and SIGSTOP out.
    return right && set == (~0ul & ~(1ul << (SIGKILL - 1)) & ~(1ul << (SIGSTOP - 1))) && !blocked(SIGBUS);
}
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static int by_sigblock(void) {
    int before = sigblock(~0);
    int right = before == 0 && untouched(41) == 42 && blocked(SIGSEGV);
    return right && (sigsetmask(0) & 1 << (SIGSEGV - 1)) && !blocked(SIGSEGV);
}
static int by_sighold(void) {
    sighold(SIGSEGV), sighold(SIGBUS), sighold(SIGTERM);
    int right = runs_blocked();
    sigrelse(SIGSEGV);
    return right && !blocked(SIGSEGV) && blocked(SIGBUS);
}
static int by_sigset(void) {
    sigset(SIGSEGV, SIG_HOLD), sigset(SIGBUS, SIG_HOLD), sigset(SIGTERM, SIG_HOLD);
    int right = runs_blocked();
    return right && sigset(SIGSEGV, SIG_DFL) == SIG_HOLD && !blocked(SIGSEGV);
}

static void *thread_body(void *unused) { return (void *)(long)runs_blocked(); }
static int result_of(const pthread_attr_t *attributes) {
    pthread_t thread;
    void *result = NULL;
    pthread_create(&thread, attributes, thread_body, NULL);
    pthread_join(thread, &result);
    return result != NULL;
}
static int by_inheritance(void) {
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    int right = result_of(NULL);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    return right;
}
static int by_attribute(void) {
    pthread_attr_t attributes;
    sigset_t got;
    pthread_attr_init(&attributes);
    pthread_attr_setsigmask_np(&attributes, &all);
    return pthread_attr_getsigmask_np(&attributes, &got) == 0 && sigismember(&got, SIGSEGV) &&
           result_of(&attributes) && !blocked(SIGSEGV);
}
static int by_attribute_none(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setsigmask_np(&attributes, &none);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    // The thread has nothing blocked, whatever its maker has.
    return !result_of(&attributes) && all_blocked();
}
static int by_fork(void) {
    int status;
    sigprocmask(SIG_SETMASK, &all, NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(runs_blocked() ? 7 : 8);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static void handler(int signal) { seen = runs_blocked() ? 1 : 2; }
UNTOUCHED static void untouched_handler(int signal) {
    ALONE;
    seen = all_blocked() ? 1 : 2;
}
static void act(void (*function)(int)) {
    struct sigaction action = {.sa_handler = function};
    action.sa_mask = all;
    sigaction(SIGUSR1, &action, NULL);
}
static int by_action(void) {
    struct sigaction got;
    act(handler);
    sigaction(SIGUSR1, NULL, &got);
    raise(SIGUSR1);
    return seen == 1 && sigismember(&got.sa_mask, SIGSEGV) && !blocked(SIGSEGV) && !blocked(SIGTERM);
}
static int by_action_itself(void) {
    act(untouched_handler);
    raise(SIGUSR1);
    return seen == 1 && !blocked(SIGSEGV);
}
static int by_action_syscall(void) {
    struct sigaction got;
    act(handler);
    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action;
    syscall(SYS_rt_sigaction, SIGUSR1, NULL, &action, 8);
    action.mask = ~0ul;
    syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8);
    raise(SIGUSR1);
    return seen == 1 && sigaction(SIGUSR1, NULL, &got) == 0 && sigismember(&got.sa_mask, SIGBUS);
}

// While these wait, only SIGUSR1 is let through; its handler is untouched and has everything else blocked.
UNTOUCHED static void while_waiting(int signal) {
    ALONE;
    seen = blocked(SIGSEGV) && blocked(SIGBUS) && blocked(SIGTERM) ? 1 : 2;
}
static void hold_one(void) {
    signal(SIGUSR1, while_waiting);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    sigprocmask(SIG_BLOCK, &one, NULL);
    raise(SIGUSR1);
}
static int waited(int result) {
    return result == -1 && errno == EINTR && seen == 1 && !blocked(SIGSEGV) && blocked(SIGUSR1);
}
static int by_sigsuspend(void) { return hold_one(), waited(sigsuspend(&but_usr1)); }
static int by_sigsuspend_syscall(void) {
    unsigned long set = ~(1ul << (SIGUSR1 - 1));
    return hold_one(), waited(syscall(SYS_rt_sigsuspend, &set, 8));
}
static int by_pselect(void) { return hold_one(), waited(pselect(0, NULL, NULL, NULL, NULL, &but_usr1)); }
static int by_ppoll(void) { return hold_one(), waited(ppoll(NULL, 0, NULL, &but_usr1)); }
static int by_ppoll_syscall(void) {
    unsigned long set = ~(1ul << (SIGUSR1 - 1));
    return hold_one(), waited(syscall(SYS_ppoll, NULL, 0, NULL, &set, 8));
}
static int by_epoll_pwait(void) {
    struct epoll_event event;
    int fd = epoll_create1(0);
    return hold_one(), waited(epoll_pwait(fd, &event, 1, -1, &but_usr1));
}
static int by_epoll_pwait2(void) {
    struct epoll_event event;
    int fd = epoll_create1(0);
    return hold_one(), waited(epoll_pwait2(fd, &event, 1, NULL, &but_usr1));
}
static int by_sigpause(void) {
    hold_one();
    sighold(SIGSEGV), sighold(SIGBUS), sighold(SIGTERM);
    return sigpause(SIGUSR1) == -1 && errno == EINTR && seen == 1;
}

static int by_siglongjmp(void) {
    sigjmp_buf back;
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (sigsetjmp(back, 1) == 0) {
        sigprocmask(SIG_SETMASK, &none, NULL);
        siglongjmp(back, 1);
    }
    return runs_blocked();
}
static int by_siglongjmp_to_none(void) {
    sigjmp_buf back;
    if (sigsetjmp(back, 1) == 0) {
        sigprocmask(SIG_SETMASK, &all, NULL);
        siglongjmp(back, 1);
    }
    return untouched(41) == 42 && !blocked(SIGSEGV) && !blocked(SIGBUS) && !blocked(SIGTERM);
}
static int by_setcontext(void) {
    ucontext_t context;
    volatile int again = 0;
    getcontext(&context);
    if (!again) {
        again = 1;
        context.uc_sigmask = all;
        setcontext(&context);
    }
    return runs_blocked();
}
static ucontext_t fibre, main_context;
static void in_fibre(void) { seen = runs_blocked() ? 1 : 2; }
static int by_swapcontext(void) {
    static char stack[65536];
    getcontext(&fibre);
    fibre.uc_stack.ss_sp = stack;
    fibre.uc_stack.ss_size = sizeof stack;
    fibre.uc_link = &main_context;
    fibre.uc_sigmask = all;
    makecontext(&fibre, in_fibre, 0);
    swapcontext(&main_context, &fibre);
    return seen == 1 && !blocked(SIGSEGV) && !blocked(SIGTERM);
}
static int by_getcontext(void) {
    sigprocmask(SIG_SETMASK, &all, NULL);
    getcontext(&fibre);
    return sigismember(&fibre.uc_sigmask, SIGSEGV) && sigismember(&fibre.uc_sigmask, SIGTERM);
}
static void changes_context(int signal, siginfo_t *info, void *context) {
    memcpy(&((ucontext_t *)context)->uc_sigmask, &all, 8);
}
static int by_return_of_handler(void) {
    struct sigaction action = {.sa_sigaction = changes_context, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    return runs_blocked();
}
static void reads_context(int signal, siginfo_t *info, void *context) {
    const sigset_t *mask = &((ucontext_t *)context)->uc_sigmask;
    seen = sigismember(mask, SIGSEGV) && sigismember(mask, SIGBUS) && !sigismember(mask, SIGTERM) ? 1 : 2;
}
static int context_says(void) {
    sigset_t two;
    struct sigaction action = {.sa_sigaction = reads_context, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    sigemptyset(&two), sigaddset(&two, SIGSEGV), sigaddset(&two, SIGBUS);
    sigprocmask(SIG_BLOCK, &two, NULL);
    raise(SIGUSR1);
    return seen == 1 && blocked(SIGSEGV);
}
static int siginterrupted(void) {
    signal(SIGSEGV, handler);
    struct sigaction got;
    siginterrupt(SIGSEGV, 1);
    sigaction(SIGSEGV, NULL, &got);
    int right = !(got.sa_flags & SA_RESTART) && got.sa_handler == handler;
    siginterrupt(SIGSEGV, 0);
    sigaction(SIGSEGV, NULL, &got);
    return right && (got.sa_flags & SA_RESTART) && untouched(1) == 2;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"by sigprocmask", by_sigprocmask},
        {"by pthread_sigmask", by_pthread_sigmask},
        {"by syscall()", by_syscall},
        {"by sigblock and sigsetmask", by_sigblock},
        {"by sighold", by_sighold},
        {"by sigset", by_sigset},
        {"inherited by a thread", by_inheritance},
        {"by an attribute of a thread", by_attribute},
        {"taken away by an attribute", by_attribute_none},
        {"inherited by a child", by_fork},
        {"in a handler that blocks all", by_action},
        {"in such a handler, itself untouched", by_action_itself},
        {"in a handler set by syscall()", by_action_syscall},
        {"sigsuspend", by_sigsuspend},
        {"sigsuspend by syscall()", by_sigsuspend_syscall},
        {"pselect", by_pselect},
        {"ppoll", by_ppoll},
        {"ppoll by syscall()", by_ppoll_syscall},
        {"epoll_pwait", by_epoll_pwait},
        {"epoll_pwait2", by_epoll_pwait2},
        {"sigpause", by_sigpause},
        {"siglongjmp to where all were blocked", by_siglongjmp},
        {"siglongjmp to where none was", by_siglongjmp_to_none},
        {"setcontext", by_setcontext},
        {"swapcontext", by_swapcontext},
        {"getcontext reads it back", by_getcontext},
        {"a handler changes the mask it returns to", by_return_of_handler},
        {"a handler reads the mask it returns to", context_says},
        {"siginterrupt", siginterrupted},
        {},
    });
}
