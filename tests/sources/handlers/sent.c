//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#LinkFlags: -lrt
//#Stdout: raise: yes
//#Stdout: kill: yes
//#Stdout: pthread_kill: yes
//#Stdout: sigqueue: yes
//#Stdout: a timer: yes
//#Stdout: from a child: yes
//#Stdout: a forged fault, unmapped: yes
//#Stdout: a forged fault, protected: yes
//#Stdout: a forged fault of a bus: yes
//#Stdout: waits while it is blocked: yes
//#Stdout: waits with its value: yes
//#Stdout: waits for ever: yes
//#Stdout: waits, and kills at last: died by signal 7
//#Stdout: waits, and is discarded: yes
//#Stdout: a fault does not wait: died by signal 11
//#Stdout: interrupts a read: yes
//#Stdout: sigwait: yes
//#Stdout: sigwaitinfo: yes
//#Stdout: sigtimedwait: yes
//#Stdout: sigtimedwait by syscall(): yes
//#Stdout: signalfd: yes
//#Stdout: sigsuspend: yes
//#Stdout: to a thread that has it blocked: yes
//#Stdout: to the thread that takes it: yes
//#Stdout: ignored: yes
//#Stdout: ignored by sigignore: yes
//#Stdout: the default of SIGSEGV: died by signal 11
//#Stdout: the default of SIGBUS: died by signal 7
// SIGSEGV and SIGBUS that somebody sends are signals like others: they arrive with what is known of the sender, they
// wait while they are blocked, and they can be waited for.
#define _GNU_SOURCE
#include "cases.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>

static siginfo_t seen;
static volatile int count;
static volatile pid_t seen_by;

UNTOUCHED static void handler(int signal, siginfo_t *info, void *context) {
    ALONE;
    seen = *info;
    seen_by = gettid();
    count++;
}
static void handle(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
}
static int came(int signal, int code) {
    int right = count == 1 && seen.si_signo == signal && seen.si_code == code && seen.si_pid == getpid() &&
                seen.si_uid == getuid() && untouched(1) == 2 && count == 1;
    count = 0;
    return right;
}
static sigset_t both(void) {
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGSEGV), sigaddset(&set, SIGBUS);
    return set;
}
static void block(int how) {
    sigset_t set = both();
    pthread_sigmask(how, &set, NULL);
}
static int pending(int signal) {
    sigset_t set;
    sigpending(&set);
    return sigismember(&set, signal);
}

static int by_raise(void) {
    handle();
    return raise(SIGSEGV) == 0 && came(SIGSEGV, SI_TKILL) && raise(SIGBUS) == 0 && came(SIGBUS, SI_TKILL);
}
static int by_kill(void) {
    handle();
    return kill(getpid(), SIGSEGV) == 0 && came(SIGSEGV, SI_USER) && kill(getpid(), SIGBUS) == 0 &&
           came(SIGBUS, SI_USER);
}
static int by_pthread_kill(void) {
    handle();
    return pthread_kill(pthread_self(), SIGSEGV) == 0 && came(SIGSEGV, SI_TKILL);
}
static int by_sigqueue(void) {
    handle();
    sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 77});
    int value = seen.si_value.sival_int;
    int right = came(SIGSEGV, SI_QUEUE) && value == 77;
    sigqueue(getpid(), SIGBUS, (union sigval){.sival_int = 78});
    value = seen.si_value.sival_int;
    return right && came(SIGBUS, SI_QUEUE) && value == 78;
}
static int by_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGSEGV, .sigev_value.sival_int = 79};
    timer_t timer;
    sigset_t none;
    handle();
    block(SIG_BLOCK);
    sigemptyset(&none);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 1000}, NULL);
    sigsuspend(&none);
    return count == 1 && seen.si_code == SI_TIMER && seen.si_value.sival_int == 79;
}
// A process may send itself whatever it wants the handler to see, an address in untouched code too.
static int forged(int signal, int code) {
    siginfo_t info = {.si_signo = signal, .si_code = code};
    info.si_addr = (void *)untouched;
    handle();
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, &info);
    return count == 1 && seen.si_code == code && seen.si_addr == (void *)untouched && untouched(1) == 2 && count == 1;
}
static int forged_map(void) { return forged(SIGSEGV, SEGV_MAPERR); }
static int forged_access(void) { return forged(SIGSEGV, SEGV_ACCERR); }
static int forged_bus(void) { return forged(SIGBUS, BUS_ADRERR); }

static int by_child(void) {
    int status;
    handle();
    pid_t pid = fork();
    if (pid == 0) {
        sigqueue(getppid(), SIGSEGV, (union sigval){.sival_int = 80});
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return count == 1 && seen.si_pid == pid && seen.si_code == SI_QUEUE && seen.si_value.sival_int == 80;
}

static int waits(void) {
    handle();
    block(SIG_BLOCK);
    raise(SIGSEGV), raise(SIGSEGV), kill(getpid(), SIGBUS);
    int right = count == 0 && pending(SIGSEGV) && pending(SIGBUS) && untouched(1) == 2;
    sigset_t one;
    sigemptyset(&one), sigaddset(&one, SIGSEGV);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    right = right && came(SIGSEGV, SI_TKILL) && pending(SIGBUS) && !pending(SIGSEGV);
    block(SIG_UNBLOCK);
    return right && came(SIGBUS, SI_USER) && !pending(SIGBUS);
}
static int waits_with_value(void) {
    handle();
    block(SIG_BLOCK);
    sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 81});
    int right = count == 0;
    block(SIG_UNBLOCK);
    return right && seen.si_value.sival_int == 81 && came(SIGSEGV, SI_QUEUE);
}
static int waits_for_ever(void) {
    block(SIG_BLOCK);
    raise(SIGSEGV), raise(SIGBUS);
    return untouched(1) == 2 && pending(SIGSEGV);
}
static int waits_and_kills(void) {
    block(SIG_BLOCK);
    raise(SIGBUS);
    int right = untouched(1) == 2 && pending(SIGBUS);
    if (right)
        block(SIG_UNBLOCK);
    return 0;
}
static int waits_and_is_ignored(void) {
    block(SIG_BLOCK);
    raise(SIGSEGV);
    signal(SIGSEGV, SIG_IGN); // which discards it
    int right = !pending(SIGSEGV);
    block(SIG_UNBLOCK);
    return right && untouched(1) == 2;
}
static int waits_for_a_fault(void) {
    handle();
    block(SIG_BLOCK);
    *(volatile char *)8 = 1; // A fault whose signal is blocked ends the process, handler or not.
    return 0;
}
static int interrupts(void) {
    int pipes[2];
    char byte;
    handle(); // without SA_RESTART
    if (pipe(pipes))
        return 0;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        // Again and again, for the parent may not wait yet at the first.
        while (getppid() == parent)
            kill(parent, SIGSEGV), usleep(1000);
        _exit(0);
    }
    return read(pipes[0], &byte, 1) == -1 && errno == EINTR && count > 0;
}

static int sigwaits(void) {
    sigset_t set = both();
    int signal = 0;
    handle();
    block(SIG_BLOCK);
    raise(SIGSEGV);
    return sigwait(&set, &signal) == 0 && signal == SIGSEGV && count == 0 && untouched(1) == 2;
}
static int sigwaitinfos(void) {
    sigset_t set = both();
    siginfo_t info;
    block(SIG_BLOCK);
    sigqueue(getpid(), SIGBUS, (union sigval){.sival_int = 82});
    return sigwaitinfo(&set, &info) == SIGBUS && info.si_value.sival_int == 82 && info.si_pid == getpid() &&
           !pending(SIGBUS) && untouched(1) == 2;
}
static int sigtimedwaits(void) {
    sigset_t set = both();
    siginfo_t info;
    block(SIG_BLOCK);
    int right = sigtimedwait(&set, &info, &(struct timespec){0}) == -1 && errno == EAGAIN && untouched(1) == 2;
    kill(getpid(), SIGSEGV);
    return right && sigtimedwait(&set, &info, &(struct timespec){0}) == SIGSEGV && info.si_code == SI_USER;
}
static int sigtimedwaits_by_syscall(void) {
    unsigned long set = 1ul << (SIGSEGV - 1);
    siginfo_t info;
    block(SIG_BLOCK);
    raise(SIGSEGV);
    return syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8) == SIGSEGV && info.si_code == SI_TKILL;
}
static int signalfds(void) {
    sigset_t set = both();
    struct signalfd_siginfo info;
    block(SIG_BLOCK);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    int right = read(fd, &info, sizeof info) == -1 && errno == EAGAIN;
    sigqueue(getpid(), SIGSEGV, (union sigval){.sival_int = 83});
    right = right && read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGSEGV && info.ssi_int == 83 &&
            info.ssi_pid == (unsigned)getpid() && untouched(1) == 2;
    raise(SIGBUS);
    return right && read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGBUS;
}
static int suspends(void) {
    sigset_t none;
    sigemptyset(&none);
    handle();
    block(SIG_BLOCK);
    raise(SIGSEGV);
    int right = count == 0 && sigsuspend(&none) == -1 && errno == EINTR;
    return right && came(SIGSEGV, SI_TKILL);
}

static pthread_barrier_t barrier;
static volatile pid_t thread_id;
static void *in_thread(void *blocks) {
    thread_id = gettid();
    if (blocks)
        block(SIG_BLOCK);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    if (blocks)
        block(SIG_UNBLOCK);
    return NULL;
}
static int to_a_thread(void) {
    pthread_t thread;
    handle();
    block(SIG_BLOCK);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, in_thread, (void *)1);
    pthread_barrier_wait(&barrier);
    pthread_kill(thread, SIGSEGV);
    int right = count == 0 && !pending(SIGSEGV);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return right && seen_by == thread_id && came(SIGSEGV, SI_TKILL);
}
static int to_who_takes_it(void) {
    pthread_t thread;
    handle();
    block(SIG_BLOCK);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, in_thread, (void *)1);
    pthread_barrier_wait(&barrier);
    kill(getpid(), SIGSEGV); // to the process, in which all have it blocked
    int right = count == 0;
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return right && seen_by == thread_id && came(SIGSEGV, SI_USER);
}

static int ignored(void) {
    signal(SIGSEGV, SIG_IGN), signal(SIGBUS, SIG_IGN);
    return raise(SIGSEGV) == 0 && kill(getpid(), SIGBUS) == 0 && untouched(1) == 2;
}
static int ignored_by_sigignore(void) {
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    sigignore(SIGSEGV);
    return raise(SIGSEGV) == 0 && untouched(1) == 2;
}
static int by_default(void) {
    if (untouched(1) == 2)
        raise(SIGSEGV);
    return 0;
}
static int by_default_bus(void) {
    if (untouched(1) == 2)
        kill(getpid(), SIGBUS);
    return 0;
}
int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"raise", by_raise},
        {"kill", by_kill},
        {"pthread_kill", by_pthread_kill},
        {"sigqueue", by_sigqueue},
        {"a timer", by_timer},
        {"from a child", by_child},
        {"a forged fault, unmapped", forged_map},
        {"a forged fault, protected", forged_access},
        {"a forged fault of a bus", forged_bus},
        {"waits while it is blocked", waits},
        {"waits with its value", waits_with_value},
        {"waits for ever", waits_for_ever},
        {"waits, and kills at last", waits_and_kills},
        {"waits, and is discarded", waits_and_is_ignored},
        {"a fault does not wait", waits_for_a_fault},
        {"interrupts a read", interrupts},
        {"sigwait", sigwaits},
        {"sigwaitinfo", sigwaitinfos},
        {"sigtimedwait", sigtimedwaits},
        {"sigtimedwait by syscall()", sigtimedwaits_by_syscall},
        {"signalfd", signalfds},
        {"sigsuspend", suspends},
        {"to a thread that has it blocked", to_a_thread},
        {"to the thread that takes it", to_who_takes_it},
        {"ignored", ignored},
        {"ignored by sigignore", ignored_by_sigignore},
        {"the default of SIGSEGV", by_default},
        {"the default of SIGBUS", by_default_bus},
        {},
    });
}
