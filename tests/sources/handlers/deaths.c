//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: a fault: yes
//#Stdout: a fault in untouched code: yes
//#Stdout: a call of null: yes
//#Stdout: a forbidden instruction: yes
//#Stdout: a bus error: yes
//#Stdout: a trap: yes
//#Stdout: an illegal instruction: yes
//#Stdout: a division by zero: yes
//#Stdout: a fault in a thread: yes
//#Stdout: an endless recursion: yes
//#Stdout: a fault that is ignored: yes
//#Stdout: raise: yes
//#Stdout: a signal to the group: yes
//#Stdout: without a core: yes
//#Stdout: a fault itself: died by signal 11
//#Stdout: a bus error itself: died by signal 7
//#Stdout: an endless recursion itself: died by signal 11
//#Stdout: a call of null itself: died by signal 11
//#Stdout: SIGTRAP handled: yes
//#Stdout: SIGILL and SIGFPE handled: yes
//#Stdout: abort with a handler: died by signal 6
//#Stdout: a trap that is blocked: died by signal 5
//#Stdout: a handler that is not there: died by signal 11
//#Stdout: a stack that is not there: died by signal 11
//#Stdout: an alternate stack that is read-only: died by signal 11
// A program that dies by a fault or a signal dies of that signal, with the same flag for a core as any other.
#define _GNU_SOURCE
#include "cases.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static volatile int count;

// The wait status of a child that does this, with the flag for a core.
static int status_of(void (*body)(void)) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        body();
        _exit(77);
    }
    return waitpid(pid, &status, 0) == pid ? status : -1;
}
static void fault(void) { *(volatile char *)8 = 1; }
static void call_null(void) { ((void (*volatile)(void))NULL)(); }
static void trap(void) { __asm__ volatile("int3"); }
static void illegal(void) { __asm__ volatile("ud2"); }
static void halt(void) { __asm__ volatile("hlt"); }
static void divide(void) {
    volatile int zero = 0;
    count = getpid() / zero;
}
static void bus(void) { *(volatile char *)mmap(NULL, 4096, 3, MAP_SHARED, fileno(tmpfile()), 0) = 1; }
UNTOUCHED static void untouched_fault(void) {
    ALONE;
    fault();
}
static void *thread_body(void *unused) {
    untouched_fault();
    return NULL;
}
static void in_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, thread_body, NULL);
    pthread_join(thread, NULL);
}
static void overflow(void) {
    volatile char much[100000];
    much[0] = 1;
    if (count != 1 << 30)
        overflow();
    count += much[0];
}
static void ignoring(void) {
    signal(SIGSEGV, SIG_IGN);
    fault();
}
static void raise_segv(void) { raise(SIGSEGV); }
static void not_dumpable(void) {
    prctl(PR_SET_DUMPABLE, 0);
    fault();
}
static void sent_to_group(void) {
    setpgid(0, 0);
    kill(0, SIGSEGV);
    pause();
}

// As when the kernel alone has to do with it.
static int as(int signal, void (*body)(void)) {
    int here = status_of(body), core = status_of(abort) & 0x80;
    return (here & 0x7f) == signal && (here & 0x80) == core && untouched(1) == 2;
}
static int of_fault(void) { return as(SIGSEGV, fault); }
static int of_untouched(void) { return as(SIGSEGV, untouched_fault); }
static int of_null(void) { return as(SIGSEGV, call_null); }
static int of_halt(void) { return as(SIGSEGV, halt); }
static int of_bus(void) { return as(SIGBUS, bus); }
static int of_trap(void) { return as(SIGTRAP, trap); }
static int of_illegal(void) { return as(SIGILL, illegal); }
static int of_division(void) { return as(SIGFPE, divide); }
static int of_thread(void) { return as(SIGSEGV, in_thread); }
static int of_overflow(void) { return as(SIGSEGV, overflow); }
static int of_ignored(void) { return as(SIGSEGV, ignoring); }
static int of_raise(void) { return as(SIGSEGV, raise_segv); }
static int of_group(void) { return as(SIGSEGV, sent_to_group); }
static int undumpable(void) { return status_of(not_dumpable) == SIGSEGV; }

static int directly(void) { return fault(), 0; }
static int directly_bus(void) { return bus(), 0; }
static int directly_overflow(void) { return overflow(), 0; }
static int directly_null(void) { return call_null(), 0; }

// Handlers that nobody has touched, of other signals, and what comes after them.
UNTOUCHED static void on_trap(int signal) {
    ALONE;
    count++;
}
static int handled_trap(void) {
    signal(SIGTRAP, on_trap);
    trap();
    return count == 1 && untouched(1) == 2;
}
UNTOUCHED static void skips(int signal, siginfo_t *info, void *context) {
    ALONE;
    count += signal == SIGILL ? info->si_code == ILL_ILLOPN : info->si_code == FPE_INTDIV;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
static int handled_others(void) {
    struct sigaction action = {.sa_sigaction = skips, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, NULL), sigaction(SIGFPE, &action, NULL);
    illegal();
    __asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" : : : "eax", "ecx", "edx", "cc");
    return count == 2 && untouched(1) == 2;
}
static int aborts_after_handler(void) {
    signal(SIGABRT, on_trap); // returns, and then abort kills all the same
    abort();
}
static int trap_blocked(void) {
    sigset_t all;
    signal(SIGTRAP, on_trap);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (untouched(1) == 2)
        trap();
    return 1;
}
static int handler_is_gone(void) {
    // A handler's address that is none: the fault of calling it is one more, which nobody can handle.
    signal(SIGSEGV, (void (*)(int))0x1000);
    fault();
    return 1;
}
static int stack_is_gone(void) {
    // There is no room for a signal's frame.
    signal(SIGSEGV, on_trap);
    __asm__ volatile("mov $64, %%rsp; movb $1, (%%rsp)" : : : "memory");
    return 1;
}
static int alternate_stack_is_gone(void) {
    struct sigaction action = {.sa_handler = on_trap, .sa_flags = SA_ONSTACK};
    void *stack = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = 65536}, NULL);
    sigaction(SIGSEGV, &action, NULL);
    fault();
    return 1;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"a fault", of_fault},
        {"a fault in untouched code", of_untouched},
        {"a call of null", of_null},
        {"a forbidden instruction", of_halt},
        {"a bus error", of_bus},
        {"a trap", of_trap},
        {"an illegal instruction", of_illegal},
        {"a division by zero", of_division},
        {"a fault in a thread", of_thread},
        {"an endless recursion", of_overflow},
        {"a fault that is ignored", of_ignored},
        {"raise", of_raise},
        {"a signal to the group", of_group},
        {"without a core", undumpable},
        {"a fault itself", directly},
        {"a bus error itself", directly_bus},
        {"an endless recursion itself", directly_overflow},
        {"a call of null itself", directly_null},
        {"SIGTRAP handled", handled_trap},
        {"SIGILL and SIGFPE handled", handled_others},
        {"abort with a handler", aborts_after_handler},
        {"a trap that is blocked", trap_blocked},
        {"a handler that is not there", handler_is_gone},
        {"a stack that is not there", stack_is_gone},
        {"an alternate stack that is read-only", alternate_stack_is_gone},
        {},
    });
}
