//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: fork: yes
//#Stdout: fork by syscall(): yes
//#Stdout: _Fork: yes
//#Stdout: vfork: yes
//#Stdout: five generations: yes
//#Stdout: a tree of children: yes
//#Stdout: clone: yes
//#Stdout: clone with CLONE_VM: yes
//#Stdout: clone with CLONE_VM and CLONE_VFORK: yes
//#Stdout: clone with CLONE_VM and CLONE_SIGHAND: yes
//#Stdout: clone with CLONE_FILES: yes
//#Stdout: clone with all but CLONE_THREAD: yes
//#Stdout: clone3: yes
//#Stdout: clone3 with CLONE_CLEAR_SIGHAND: yes
//#Stdout: pthread_atfork: yes
//#Stdout: fork in a thread: yes
//#Stdout: fork in a handler: yes
//#Stdout: fork with all blocked: yes
//#Stdout: the child's own fault: yes
//#Stdout: a child that outlives its parent: yes
//#Stdout: a child that dies with its parent: yes
//#Stdout: daemon: yes
//#Stdout: a child that closes everything: yes
//#Stdout: a handler that waits for children: yes
// Every way to have a child runs code in it that its parent has never touched.
#define _GNU_SOURCE
#include "cases.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define F(n) UNTOUCHED static int f##n(int x) { ALONE; return x + n; }
F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8)
static int (*const volatile functions[])(int) = {f1, f2, f3, f4, f5, f6, f7, f8};
static int sum_of_all(void) {
    int sum = 0;
    for (int i = 0; i < 8; i++)
        sum = functions[i](sum);
    return sum;
}
static int ended_with(pid_t pid, int expected) {
    int status;
    pid_t got;
    while ((got = waitpid(pid, &status, __WALL)) < 0 && errno == EINTR) {
    }
    return pid > 0 && got == pid && WIFEXITED(status) && WEXITSTATUS(status) == expected;
}

static int by_fork(void) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(sum_of_all());
    return ended_with(pid, 36) && sum_of_all() == 36;
}
static int by_raw_fork(void) {
    pid_t pid = syscall(SYS_fork);
    if (pid == 0)
        _exit(sum_of_all());
    return ended_with(pid, 36) && sum_of_all() == 36;
}
static int by__Fork(void) {
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(sum_of_all());
    return ended_with(pid, 36);
}
static int by_vfork(void) {
    pid_t pid = vfork();
    if (pid == 0)
        _exit(sum_of_all());
    return ended_with(pid, 36) && sum_of_all() == 36;
}
static int generations(int depth) {
    pid_t pid = fork();
    if (pid == 0)
        _exit(depth == 5 ? sum_of_all() : generations(depth + 1) ? functions[depth](35 - depth) : 99);
    return ended_with(pid, 36);
}
static int five_deep(void) { return generations(1) && sum_of_all() == 36; }
// Two children each, five deep: sixty-two of them at once.
static int bomb(int depth) {
    int right = 1;
    pid_t pids[2];
    for (int i = 0; i < 2; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit((depth == 5 || bomb(depth + 1)) && functions[(depth + i) % 8](0) && sum_of_all() == 36 ? 5 : 6);
    }
    for (int i = 0; i < 2; i++)
        right &= ended_with(pids[i], 5);
    return right;
}
static int a_tree(void) { return bomb(1) && sum_of_all() == 36; }

static int shared;
static int clone_body(void *unused) { return shared = sum_of_all(); }
static int cloned(int flags) {
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t pid = clone(clone_body, stack + 65536, flags | SIGCHLD, NULL);
    return ended_with(pid, 36) && shared == (flags & CLONE_VM ? 36 : 0) && sum_of_all() == 36;
}
static int clone_plain(void) { return cloned(0); }
static int clone_vm(void) { return cloned(CLONE_VM); }
static int clone_vm_vfork(void) { return cloned(CLONE_VM | CLONE_VFORK); }
static int clone_vm_sighand(void) { return cloned(CLONE_VM | CLONE_SIGHAND); }
static int clone_files(void) { return cloned(CLONE_FILES | CLONE_FS); }
static int clone_vm_files(void) { return cloned(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND); }
static int clone3_plain(void) {
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    pid_t pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0)
        _exit(sum_of_all());
    return ended_with(pid, 36) && sum_of_all() == 36;
}
static int clone3_clear_sighand(void) {
    struct clone_args arguments = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    pid_t pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0)
        _exit(sum_of_all()); // All handlers are the defaults in it.
    return ended_with(pid, 36) && sum_of_all() == 36;
}

static volatile int prepared, parents, children;
UNTOUCHED static void prepare(void) { ALONE; prepared++; }
UNTOUCHED static void in_parent(void) { ALONE; parents++; }
UNTOUCHED static void in_child(void) { ALONE; children++; }
static int atfork(void) {
    pthread_atfork(prepare, in_parent, in_child);
    pid_t pid = fork();
    if (pid == 0)
        _exit(prepared * 100 + parents * 10 + children);
    return ended_with(pid, 101) && prepared == 1 && parents == 1 && children == 0;
}
static void *forks(void *unused) { return (void *)(long)by_fork(); }
static int in_thread(void) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, forks, NULL);
    pthread_join(thread, &result);
    return result != NULL;
}
static volatile int handled;
static void handler(int signal) { handled = by_fork(); }
static int in_handler(void) {
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    return handled;
}
static int with_all_blocked(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    return by_fork();
}
static void on_fault(int signal) { _exit(functions[3](10)); }
static int own_fault_in_child(void) {
    signal(SIGSEGV, on_fault);
    pid_t pid = fork();
    if (pid == 0)
        *(volatile char *)8 = 1;
    return ended_with(pid, 14);
}

// A child that goes on when its parent has ended, and only then touches anything.
static int outlives(void) {
    int pipes[2], result = 0;
    if (pipe(pipes))
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent)
                sched_yield();
            result = sum_of_all();
            if (fork() == 0) {
                result += sum_of_all();
                _exit(write(pipes[1], &result, sizeof result) != sizeof result);
            }
            _exit(0);
        }
        _exit(3);
    }
    close(pipes[1]);
    return ended_with(pid, 3) && read(pipes[0], &result, sizeof result) == sizeof result && result == 72;
}
static int dies_with_parent(void) {
    int pipes[2];
    char byte;
    if (pipe(pipes))
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        int ready[2];
        if (pipe(ready))
            _exit(1);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (sum_of_all() == 36 && write(ready[1], "x", 1) == 1)
                for (;;)
                    pause();
        }
        _exit(read(ready[0], &byte, 1) == 1 ? 4 : 5);
    }
    close(pipes[1]);
    // The end of the pipe comes when the grandchild is gone.
    return ended_with(pid, 4) && read(pipes[0], &byte, 1) == 0;
}
static int daemons(void) {
    int pipes[2], result = 0;
    if (pipe(pipes))
        return 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (daemon(1, 0))
            _exit(1);
        result = sum_of_all();
        _exit(write(pipes[1], &result, sizeof result) != sizeof result);
    }
    close(pipes[1]);
    return ended_with(pid, 0) && read(pipes[0], &result, sizeof result) == sizeof result && result == 36;
}
static int closes_everything(void) {
    pid_t pid = fork();
    if (pid == 0) {
        close_range(0, ~0u, 0);
        _exit(sum_of_all());
    }
    return ended_with(pid, 36) && sum_of_all() == 36;
}
static volatile sig_atomic_t deaths;
UNTOUCHED static void on_death(int signal) {
    ALONE;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        deaths++;
}
static int many_deaths(void) {
    sigset_t one, before;
    signal(SIGCHLD, on_death);
    sigemptyset(&one), sigaddset(&one, SIGCHLD);
    sigprocmask(SIG_BLOCK, &one, &before);
    for (int i = 0; i < 20; i++)
        if (fork() == 0)
            _exit(functions[i % 8](0) == 77);
    while (deaths < 20)
        sigsuspend(&before);
    return sum_of_all() == 36;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"fork", by_fork},
        {"fork by syscall()", by_raw_fork},
        {"_Fork", by__Fork},
        {"vfork", by_vfork},
        {"five generations", five_deep},
        {"a tree of children", a_tree},
        {"clone", clone_plain},
        {"clone with CLONE_VM", clone_vm},
        {"clone with CLONE_VM and CLONE_VFORK", clone_vm_vfork},
        {"clone with CLONE_VM and CLONE_SIGHAND", clone_vm_sighand},
        {"clone with CLONE_FILES", clone_files},
        {"clone with all but CLONE_THREAD", clone_vm_files},
        {"clone3", clone3_plain},
        {"clone3 with CLONE_CLEAR_SIGHAND", clone3_clear_sighand},
        {"pthread_atfork", atfork},
        {"fork in a thread", in_thread},
        {"fork in a handler", in_handler},
        {"fork with all blocked", with_all_blocked},
        {"the child's own fault", own_fault_in_child},
        {"a child that outlives its parent", outlives},
        {"a child that dies with its parent", dies_with_parent},
        {"daemon", daemons},
        {"a child that closes everything", closes_everything},
        {"a handler that waits for children", many_deaths},
        {},
    });
}
