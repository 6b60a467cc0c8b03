//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: both blocked: yes
//#Stdout: all blocked: yes
//#Stdout: both ignored: yes
//#Stdout: both handled: yes
//#Stdout: both pending: yes
//#Stdout: a fault of its own while ignored: died by signal 11
//#Stdout: a fault of its own while blocked: died by signal 11
//#Stdout: others are started with nothing: yes
//#Stdout: others are started with both blocked: yes
//#Stdout: others are started with both ignored: yes
//#Stdout: others are started without the handlers: yes
//#Stdout: posix_spawn with both blocked: yes
//#Stdout: posix_spawn with none blocked and none ignored: yes
//#Stdout: posix_spawn as it is: yes
// What a program inherits of SIGSEGV and SIGBUS over exec, and what it hands on: blocked signals stay blocked and
// ignored ones ignored. Nothing of that keeps untouched code from running.
#define _GNU_SOURCE
#include "cases.h"
#include <signal.h>
#include <string.h>

static sigset_t two, none;

__attribute__((constructor)) static void make_sets(void) {
    sigaddset(&two, SIGSEGV);
    sigaddset(&two, SIGBUS);
}
static int again(void) { return case_argc > 0; }
static int start_again(const char *number) {
    execl("/proc/self/exe", "app", number, "again", NULL);
    return 0;
}
static int blocked(int signal) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, signal);
}
static void (*action_of(int signal))(int) {
    struct sigaction action;
    sigaction(signal, NULL, &action);
    return action.sa_handler;
}
static void handler(int signal) { _exit(9); }

static int blocked_before(void) {
    if (again())
        return untouched(1) == 2 && blocked(SIGSEGV) && blocked(SIGBUS) && !blocked(SIGTERM);
    sigprocmask(SIG_BLOCK, &two, NULL);
    return start_again("0");
}
static int all_blocked_before(void) {
    if (again())
        return untouched(1) == 2 && blocked(SIGSEGV) && blocked(SIGBUS) && blocked(SIGTERM);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    return start_again("1");
}
static int ignored_before(void) {
    if (again())
        return untouched(1) == 2 && action_of(SIGSEGV) == SIG_IGN && action_of(SIGBUS) == SIG_IGN &&
               raise(SIGSEGV) == 0 && kill(getpid(), SIGBUS) == 0;
    signal(SIGSEGV, SIG_IGN), signal(SIGBUS, SIG_IGN);
    return start_again("2");
}
static int handled_before(void) {
    if (again())
        return untouched(1) == 2 && action_of(SIGSEGV) == SIG_DFL && action_of(SIGBUS) == SIG_DFL;
    signal(SIGSEGV, handler), signal(SIGBUS, handler);
    return start_again("3");
}
static int pending_before(void) {
    if (again()) {
        sigset_t pending;
        sigpending(&pending);
        return untouched(1) == 2 && sigismember(&pending, SIGSEGV) && sigismember(&pending, SIGBUS);
    }
    sigprocmask(SIG_BLOCK, &two, NULL);
    raise(SIGSEGV), raise(SIGBUS);
    return start_again("4");
}
static int faults_ignored(void) {
    if (again()) {
        // To ignore a fault does not help: the kernel ends who would have it again and again.
        *(volatile char *)8 = 1;
        return 0;
    }
    signal(SIGSEGV, SIG_IGN);
    return start_again("5");
}
static int faults_blocked(void) {
    if (again()) {
        signal(SIGSEGV, handler); // Which is not called, for its signal is blocked.
        *(volatile char *)8 = 1;
        return 0;
    }
    sigprocmask(SIG_BLOCK, &two, NULL);
    return start_again("6");
}

// Whether another program is started with these of the two signals blocked, and these ignored.
static int starts(const char *expected) {
    FILE *pipe = popen("while read name value; do case $name in SigBlk:|SigIgn:) printf \"$value \";; esac; done"
                       " < /proc/self/status", "r");
    unsigned long blocked, ignored;
    char text[100];
    if (fscanf(pipe, "%lx %lx", &blocked, &ignored) != 2 || pclose(pipe))
        return 0;
    const unsigned long both = 1ul << (SIGSEGV - 1) | 1ul << (SIGBUS - 1);
    sprintf(text, "%lx %lx", blocked & both, ignored & both);
    return strcmp(text, expected) == 0;
}
static int hands_on_nothing(void) { return starts("0 0"); }
static int hands_on_mask(void) {
    sigprocmask(SIG_BLOCK, &two, NULL);
    return starts("440 0");
}
static int hands_on_ignored(void) {
    signal(SIGSEGV, SIG_IGN), signal(SIGBUS, SIG_IGN);
    return starts("0 440");
}
static int hands_on_no_handler(void) {
    signal(SIGSEGV, handler), signal(SIGBUS, handler);
    return starts("0 0");
}
static int spawned(short flags, const sigset_t *mask, const sigset_t *defaults, const char *number) {
    extern char **environ;
    posix_spawnattr_t attributes;
    pid_t pid;
    int status;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, flags);
    posix_spawnattr_setsigmask(&attributes, mask);
    posix_spawnattr_setsigdefault(&attributes, defaults);
    char *words[] = {"app", (char *)number, "again", NULL};
    return posix_spawn(&pid, "/proc/self/exe", NULL, &attributes, words, environ) == 0 &&
           waitpid(pid, &status, 0) == pid && status == 0;
}
static int spawned_with_mask(void) {
    if (again())
        return blocked_before();
    return spawned(POSIX_SPAWN_SETSIGMASK, &two, &none, "11");
}
static int spawned_without(void) {
    if (again())
        return untouched(1) == 2 && !blocked(SIGSEGV) && action_of(SIGSEGV) == SIG_DFL;
    sigprocmask(SIG_BLOCK, &two, NULL);
    signal(SIGSEGV, SIG_IGN);
    return spawned(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF, &none, &two, "12");
}
static int spawned_as_it_is(void) {
    if (again())
        return blocked_before() && action_of(SIGBUS) == SIG_IGN;
    sigprocmask(SIG_BLOCK, &two, NULL);
    signal(SIGBUS, SIG_IGN);
    return spawned(0, &none, &none, "13");
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"both blocked", blocked_before},
        {"all blocked", all_blocked_before},
        {"both ignored", ignored_before},
        {"both handled", handled_before},
        {"both pending", pending_before},
        {"a fault of its own while ignored", faults_ignored},
        {"a fault of its own while blocked", faults_blocked},
        {"others are started with nothing", hands_on_nothing},
        {"others are started with both blocked", hands_on_mask},
        {"others are started with both ignored", hands_on_ignored},
        {"others are started without the handlers", hands_on_no_handler},
        {"posix_spawn with both blocked", spawned_with_mask},
        {"posix_spawn with none blocked and none ignored", spawned_without},
        {"posix_spawn as it is", spawned_as_it_is},
        {},
    });
}
