//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: an overflow is caught: yes
//#Stdout: an overflow is caught in a thread: yes
//#Stdout: 16 KiB are left: yes
//#Stdout: alternate stack of SIGSTKSZ: yes
//#Stdout: alternate stack of 8 KiB: yes
//#Stdout: a fault on an alternate stack of the least size: yes
//#Stdout: a stack too small is refused: yes
//#Stdout: a stack that is given back: yes
//#Stdout: a stack that disarms itself: yes
//#Stdout: the stack in use says so: yes
//#Stdout: no stack at the start: yes
//#Stdout: a thread of the least size: yes
//#Stdout: a thread of 16 KiB: yes
//#Stdout: such a thread with all blocked: yes
//#Stdout: a fibre of 16 KiB: yes
//#Stdout: a fibre of 8 KiB: yes
// Handlers and first touches on stacks that are small, exhausted, or somebody's own.
#define _GNU_SOURCE
#include "cases.h"
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int count, on_stack, sum;
static char *stack;
static size_t size;

static int is_on_stack(void) {
    char here;
    return &here >= stack && &here < stack + size;
}
UNTOUCHED static void recovers(int signal) {
    ALONE;
    count++;
    on_stack = is_on_stack();
    siglongjmp(back, 1);
}
// A stack of whole pages between pages that nobody may touch.
static char *guarded(size_t wanted) {
    size_t pages = (wanted + 4095) & ~4095ul;
    char *area = mmap(NULL, pages + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 4096, pages, PROT_READ | PROT_WRITE);
    return area + 4096 + pages - wanted;
}
static void alternate(size_t wanted, void (*handler)(int), int signal) {
    size = wanted & ~15ul;
    stack = guarded(size);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = size}, NULL);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(signal, &action, NULL);
}
__attribute__((noipa)) static int recurse(int depth) {
    volatile char much[2000];
    much[0] = depth;
    if (depth < 1 << 30)
        return recurse(depth + 1) + much[0];
    return 0;
}
static int overflows(void) {
    for (volatile int i = 1; i <= 3; i++) {
        if (!sigsetjmp(back, 1))
            recurse(0);
        if (count != i || !on_stack)
            return 0;
    }
    return untouched(1) == 2;
}
static int overflow(void) {
    setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, 1 << 20});
    alternate(SIGSTKSZ, recovers, SIGSEGV);
    return overflows();
}
static void *overflow_body(void *unused) {
    alternate(SIGSTKSZ, recovers, SIGSEGV);
    return (void *)(long)overflows();
}
static int result_of(void *(*body)(void *), size_t stack_size) {
    pthread_attr_t attributes;
    pthread_t thread;
    void *result = NULL;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, stack_size) || pthread_create(&thread, &attributes, body, NULL))
        return 0;
    pthread_join(thread, &result);
    return result != NULL;
}
static int overflow_in_thread(void) { return result_of(overflow_body, 128 * 1024); }

UNTOUCHED static int at_the_end(char *low) {
    ALONE;
    return (long)low != 1;
}
// Untouched code is called when little of the stack is left.
__attribute__((noipa)) static int with_little_left(size_t left) {
    char *area = guarded(65536);
    char *top = area + left;
    long result;
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %1, %%rsp\n\tcall *%2\n\tmov %%rbx, %%rsp"
                     : "=a"(result) : "r"((long)top & ~15l), "r"(at_the_end), "D"(0l)
                     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc");
    return result == 1;
}
static int page_left_on_own(void) { return with_little_left(16384); }
static void calls_untouched(int signal) {
    on_stack = is_on_stack();
    sum = untouched(4);
}
static int on_alternate(size_t wanted) {
    alternate(wanted, calls_untouched, SIGUSR1);
    raise(SIGUSR1);
    return sum == 5 && on_stack;
}
static int of_sigstksz(void) { return on_alternate(SIGSTKSZ); }
static int of_8k(void) { return on_alternate(8192); }
static int fault_of_minimum(void) {
    alternate(sysconf(_SC_MINSIGSTKSZ) + 512, recovers, SIGSEGV);
    if (!sigsetjmp(back, 1))
        *(volatile char *)8 = 1;
    return count == 1 && on_stack && untouched(1) == 2;
}
static int too_small(void) {
    return sigaltstack(&(stack_t){.ss_sp = &size, .ss_size = 16}, NULL) == -1 && untouched(1) == 2;
}
static int disabled(void) {
    alternate(SIGSTKSZ, calls_untouched, SIGUSR1);
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    raise(SIGUSR1);
    return sum == 5 && !on_stack;
}
static int autodisarmed(void) {
    alternate(SIGSTKSZ, calls_untouched, SIGUSR1);
    if (sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = size, .ss_flags = 1 << 31}, NULL))
        return 0;
    raise(SIGUSR1);
    stack_t now;
    sigaltstack(NULL, &now);
    return sum == 5 && on_stack && now.ss_sp == stack && now.ss_flags == 1 << 31;
}
static volatile int flags_inside, flags_after;
static void reads_flags(int signal) {
    stack_t now;
    sigaltstack(NULL, &now);
    flags_inside = now.ss_flags;
    sum = untouched(4);
    sigaltstack(NULL, &now);
    flags_after = now.ss_flags;
}
static int says_on_stack(void) {
    alternate(SIGSTKSZ, reads_flags, SIGUSR1);
    raise(SIGUSR1);
    stack_t now;
    sigaltstack(NULL, &now);
    return flags_inside == SS_ONSTACK && flags_after == SS_ONSTACK && now.ss_flags == 0 && sum == 5;
}
static int asked_before(void) {
    stack_t now = {.ss_sp = &now};
    sigaltstack(NULL, &now);
    return now.ss_flags == SS_DISABLE && now.ss_sp == NULL && untouched(1) == 2;
}

static void *calls(void *unused) { return (void *)(long)(untouched(1) == 2); }
static int thread_of_minimum(void) { return result_of(calls, sysconf(_SC_THREAD_STACK_MIN)); }
static int thread_of_16k(void) { return result_of(calls, PTHREAD_STACK_MIN > 16384 ? PTHREAD_STACK_MIN : 16384); }
static void *calls_blocked(void *unused) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return calls(NULL);
}
static int blocked_thread_of_minimum(void) { return result_of(calls_blocked, sysconf(_SC_THREAD_STACK_MIN)); }

static ucontext_t fibre, main_context;
static void in_fibre(void) { sum = untouched(4); }
static int fibre_of(size_t wanted) {
    getcontext(&fibre);
    fibre.uc_stack.ss_sp = guarded(wanted);
    fibre.uc_stack.ss_size = wanted;
    fibre.uc_link = &main_context;
    makecontext(&fibre, in_fibre, 0);
    swapcontext(&main_context, &fibre);
    return sum == 5;
}
static int fibre_of_16k(void) { return fibre_of(16384); }
static int fibre_of_8k(void) { return fibre_of(8192); }
int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"an overflow is caught", overflow},
        {"an overflow is caught in a thread", overflow_in_thread},
        {"16 KiB are left", page_left_on_own},
        {"alternate stack of SIGSTKSZ", of_sigstksz},
        {"alternate stack of 8 KiB", of_8k},
        {"a fault on an alternate stack of the least size", fault_of_minimum},
        {"a stack too small is refused", too_small},
        {"a stack that is given back", disabled},
        {"a stack that disarms itself", autodisarmed},
        {"the stack in use says so", says_on_stack},
        {"no stack at the start", asked_before},
        {"a thread of the least size", thread_of_minimum},
        {"a thread of 16 KiB", thread_of_16k},
        {"such a thread with all blocked", blocked_thread_of_minimum},
        {"a fibre of 16 KiB", fibre_of_16k},
        {"a fibre of 8 KiB", fibre_of_8k},
        {},
    });
}
