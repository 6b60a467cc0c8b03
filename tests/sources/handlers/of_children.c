//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: a vfork child resets all: yes
//#Stdout: a vfork child ignores faults: yes
//#Stdout: a vfork child resets, and touches code: yes
//#Stdout: a vfork child dies of its fault: yes
//#Stdout: a vfork child blocks all: yes
//#Stdout: a child in shared memory sets its own: yes
//#Stdout: a child in shared memory handles its own: yes
//#Stdout: a child that shares actions sets them: yes
//#Stdout: a forked child sets its own: yes
//#Stdout: posix_spawn resets all: yes
// A child in its parent's memory has actions of its own, unless it shares them on purpose: what it sets for faults does
// not become its parent's.
#define _GNU_SOURCE
#include "cases.h"
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static sigjmp_buf back;
static volatile int count, other_count;
UNTOUCHED static void handler(int signal) {
    ALONE;
    count++;
    siglongjmp(back, 1);
}
static void other(int signal) {
    other_count++;
    _exit(55);
}
static void (*action_of(int signal))(int) {
    struct sigaction action;
    sigaction(signal, NULL, &action);
    return action.sa_handler;
}
static void fault(void) { *(volatile char *)8 = 1; }
static int still_handled(void) {
    int before = count;
    if (!sigsetjmp(back, 1))
        fault();
    return count == before + 1 && action_of(SIGSEGV) == handler && untouched(1) == 2;
}
static int ended_with(pid_t pid, int expected) {
    int status;
    return waitpid(pid, &status, __WALL) == pid && WIFEXITED(status) && WEXITSTATUS(status) == expected;
}

static int vfork_resets(void) {
    signal(SIGSEGV, handler), signal(SIGBUS, handler);
    pid_t pid = vfork();
    if (pid == 0) {
        // As what starts other programs does.
        for (int number = 1; number < 32; number++)
            signal(number, SIG_DFL);
        _exit(action_of(SIGSEGV) == SIG_DFL ? 5 : 6);
    }
    return ended_with(pid, 5) && still_handled() && action_of(SIGBUS) == handler;
}
static int vfork_ignores(void) {
    signal(SIGSEGV, handler);
    pid_t pid = vfork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_IGN);
        _exit(untouched(4));
    }
    return ended_with(pid, 5) && still_handled();
}
static int vfork_resets_and_touches(void) {
    signal(SIGSEGV, handler);
    pid_t pid = vfork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        _exit(untouched(4));
    }
    return ended_with(pid, 5) && still_handled();
}
static int vfork_dies(void) {
    int status;
    signal(SIGSEGV, handler);
    pid_t pid = vfork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        fault();
        _exit(6);
    }
    return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && still_handled();
}
static int vfork_blocks(void) {
    sigset_t all, now;
    sigfillset(&all);
    pid_t pid = vfork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &all, NULL);
        _exit(untouched(4));
    }
    sigprocmask(SIG_SETMASK, NULL, &now);
    return ended_with(pid, 5) && !sigismember(&now, SIGSEGV) && !sigismember(&now, SIGTERM);
}
static int body(void *how) {
    signal(SIGSEGV, other);
    if (how)
        fault();
    return untouched(4);
}
static int cloned(int flags, void *how, int expected) {
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGSEGV, handler);
    return ended_with(clone(body, stack + 65536, flags | SIGCHLD, how), expected);
}
static int clone_sets(void) { return cloned(CLONE_VM, NULL, 5) && still_handled(); }
static int clone_faults(void) { return cloned(CLONE_VM, (void *)1, 55) && other_count == 1 && still_handled(); }
static int clone_shares(void) {
    return cloned(CLONE_VM | CLONE_SIGHAND, NULL, 5) && action_of(SIGSEGV) == other && untouched(1) == 2;
}
static int fork_sets(void) {
    signal(SIGSEGV, handler);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, other);
        fault();
    }
    return ended_with(pid, 55) && other_count == 0 && still_handled();
}
static int spawn_resets(void) {
    extern char **environ;
    if (case_argc)
        return action_of(SIGSEGV) == SIG_DFL && untouched(1) == 2;
    posix_spawnattr_t attributes;
    sigset_t all;
    pid_t pid;
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigdefault(&attributes, &all);
    signal(SIGSEGV, handler), signal(SIGBUS, handler);
    char *words[] = {"app", "9", "again", NULL};
    return posix_spawn(&pid, "/proc/self/exe", NULL, &attributes, words, environ) == 0 && ended_with(pid, 0) &&
           still_handled() && action_of(SIGBUS) == handler;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"a vfork child resets all", vfork_resets},
        {"a vfork child ignores faults", vfork_ignores},
        {"a vfork child resets, and touches code", vfork_resets_and_touches},
        {"a vfork child dies of its fault", vfork_dies},
        {"a vfork child blocks all", vfork_blocks},
        {"a child in shared memory sets its own", clone_sets},
        {"a child in shared memory handles its own", clone_faults},
        {"a child that shares actions sets them", clone_shares},
        {"a forked child sets its own", fork_sets},
        {"posix_spawn resets all", spawn_resets},
        {},
    });
}
