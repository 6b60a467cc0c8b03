//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: a mask: yes
//#Stdout: the mask of an action: yes
//#Stdout: a handler of faults: yes
//#Stdout: waiting: yes
// The program makes system calls about signals by instructions of its own, as runtimes without libc do.
#define _GNU_SOURCE
#include "cases.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

static long call(long number, long a, long b, long c, long d) {
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
    return number;
}
struct action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};
void restore(void);
__asm__(".text\nrestore: mov $15, %eax\nsyscall\n");
static void set(int signal, void (*handler)(int, siginfo_t *, void *), unsigned long flags, unsigned long mask) {
    struct action action = {handler, flags | SA_SIGINFO | 0x04000000, restore, mask};
    call(SYS_rt_sigaction, signal, (long)&action, 0, 8);
}
static volatile int seen;
static void *volatile address;
static char *page;

static int by_mask(void) {
    unsigned long all = ~0ul, before = 1;
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, 8);
    return before == 0 && untouched(41) == 42;
}
static void handler(int signal, siginfo_t *info, void *context) { seen = untouched(41); }
static int by_action(void) {
    set(SIGUSR1, handler, 0, ~0ul);
    raise(SIGUSR1);
    return seen == 42;
}
UNTOUCHED static void on_fault(int signal, siginfo_t *info, void *context) {
    ALONE;
    seen = info->si_code;
    address = info->si_addr;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 3; // the length of the instruction
}
static int fault_handler(void) {
    set(SIGSEGV, on_fault, 0, 0);
    int right = untouched(41) == 42;
    __asm__ volatile("movb $1, (%0)" : : "r"(8l) : "memory");
    return right && seen == SEGV_MAPERR && address == (void *)8;
}
static int suspended(void) {
    unsigned long all = ~0ul, others = ~(1ul << (SIGUSR1 - 1));
    set(SIGUSR1, handler, 0, ~0ul);
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8);
    raise(SIGUSR1);
    return call(SYS_rt_sigsuspend, (long)&others, 8, 0, 0) == -4 && seen == 42;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"a mask", by_mask},
        {"the mask of an action", by_action},
        {"a handler of faults", fault_handler},
        {"waiting", suspended},
        {},
    });
}
