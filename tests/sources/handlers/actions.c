//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: repairs and returns: yes
//#Stdout: masks another signal: yes
//#Stdout: masks the other one: yes
//#Stdout: on the alternate stack: yes
//#Stdout: SA_NODEFER: yes
//#Stdout: SA_RESETHAND, then a second fault: died by signal 11
//#Stdout: jumps out, with the mask: yes
//#Stdout: jumps out, without the mask: yes
//#Stdout: a fault after such a jump: died by signal 11
//#Stdout: jumps off the alternate stack: yes
//#Stdout: SIGBUS: yes
//#Stdout: SIGBUS, repaired: yes
//#Stdout: a fault in the handler: yes
//#Stdout: a fault in a handler that defers it: died by signal 11
//#Stdout: the other signal in the handler: yes
//#Stdout: raised in its own handler: yes
//#Stdout: replaced by its handler: yes
//#Stdout: set to the default by its handler: died by signal 11
//#Stdout: goes on elsewhere: yes
//#Stdout: reads its context: yes
//#Stdout: reads back as it was set: yes
//#Stdout: wrong calls fail: yes
// What the flags and masks of an action promise, for the two signals that faults raise: stack, mask inside and
// afterwards, repetition, and what a handler may do.
#define _GNU_SOURCE
#include "cases.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

static sigjmp_buf back;
static volatile int count, depth, on_stack, blocks_segv, blocks_bus, blocks_usr1, value;
static char *page;
static char stack[64 * 1024];

static int blocked(int signal) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    return sigismember(&now, signal);
}
static void observe(void) {
    char here;
    count++;
    on_stack = &here >= stack && &here < stack + sizeof stack;
    blocks_segv = blocked(SIGSEGV);
    blocks_bus = blocked(SIGBUS);
    blocks_usr1 = blocked(SIGUSR1);
}
UNTOUCHED static void repairs(int signal) {
    ALONE;
    observe();
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}
UNTOUCHED static void jumps(int signal) {
    ALONE;
    observe();
    siglongjmp(back, 1);
}
UNTOUCHED static void jumps_without_mask(int signal) {
    ALONE;
    observe();
    longjmp(back, 1);
}
static void act(int signal, void (*handler)(int), int flags, int masked) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (masked)
        sigaddset(&action.sa_mask, masked);
    sigaction(signal, &action, NULL);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void fault(void) { *(volatile char *)page = 7; }
static int nothing_blocked(void) {
    return !blocked(SIGSEGV) && !blocked(SIGBUS) && !blocked(SIGUSR1) && untouched(1) == 2;
}

static int returns(void) {
    act(SIGSEGV, repairs, 0, 0);
    fault();
    return count == 1 && *page == 7 && !on_stack && blocks_segv && !blocks_bus && !blocks_usr1 && nothing_blocked();
}
static int masks_others(void) {
    act(SIGSEGV, repairs, 0, SIGUSR1);
    fault();
    return count == 1 && blocks_segv && !blocks_bus && blocks_usr1 && nothing_blocked();
}
static int masks_bus(void) {
    act(SIGSEGV, repairs, 0, SIGBUS);
    fault();
    return count == 1 && blocks_segv && blocks_bus && !blocks_usr1 && nothing_blocked();
}
static int alternate_stack(void) {
    act(SIGSEGV, repairs, SA_ONSTACK, 0);
    fault();
    return count == 1 && on_stack && blocks_segv && nothing_blocked();
}
static int deferred_not(void) {
    act(SIGSEGV, repairs, SA_NODEFER, 0);
    fault();
    return count == 1 && !blocks_segv && !blocks_bus && nothing_blocked();
}
static int reset_by_hand(void) {
    act(SIGSEGV, repairs, SA_RESETHAND, 0);
    fault();
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    int right = count == 1 && now.sa_handler == SIG_DFL && untouched(1) == 2;
    mprotect(page, 4096, PROT_NONE);
    if (right)
        fault(); // and dies
    return 0;
}
static int jumps_with_mask(void) {
    act(SIGSEGV, jumps, 0, SIGUSR1);
    for (volatile int i = 0; i < 3; i++)
        if (!sigsetjmp(back, 1))
            fault();
    return count == 3 && nothing_blocked();
}
static int jumps_and_stays_blocked(void) {
    act(SIGSEGV, jumps_without_mask, 0, SIGBUS);
    if (!sigsetjmp(back, 0))
        fault();
    return count == 1 && untouched(1) == 2 && blocked(SIGSEGV) && blocked(SIGBUS) && !blocked(SIGUSR1);
}
static int dies_after_such_a_jump(void) {
    jumps_and_stays_blocked();
    fault(); // its signal is blocked
    return 0;
}
static int jumps_off_the_stack(void) {
    act(SIGSEGV, jumps, SA_ONSTACK, 0);
    for (volatile int i = 0; i < 3; i++) {
        if (!sigsetjmp(back, 1))
            fault();
        else if (!on_stack)
            return 0;
    }
    stack_t now;
    sigaltstack(NULL, &now);
    return count == 3 && now.ss_flags == 0 && now.ss_sp == stack && nothing_blocked();
}
static int bus(void) {
    FILE *file = tmpfile();
    act(SIGBUS, jumps, SA_ONSTACK, SIGUSR1);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    if (!sigsetjmp(back, 1))
        fault();
    return count == 1 && on_stack && !blocks_segv && blocks_bus && blocks_usr1 && nothing_blocked();
}
static FILE *file;
UNTOUCHED static void lengthens(int signal) {
    ALONE;
    observe();
    ftruncate(fileno(file), 4096);
}
static int bus_repaired(void) {
    file = tmpfile();
    act(SIGBUS, lengthens, 0, 0);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    fault();
    return count == 1 && *page == 7 && blocks_bus && !blocks_segv && nothing_blocked();
}

// Faults inside handlers.
UNTOUCHED static void faults_once_more(int signal) {
    ALONE;
    if (++depth < 3)
        *(volatile char *)(8l * depth) = 1;
    siglongjmp(back, depth);
}
static int in_a_handler(void) {
    act(SIGSEGV, faults_once_more, SA_NODEFER, 0);
    int result = sigsetjmp(back, 1);
    if (!result)
        fault();
    return result == 3 && nothing_blocked();
}
static int in_a_handler_deferred(void) {
    act(SIGSEGV, faults_once_more, 0, 0);
    if (!sigsetjmp(back, 1))
        fault(); // The second one is blocked, and the end.
    return 0;
}
static void of_bus(int signal) {
    value = 5;
    siglongjmp(back, 1);
}
UNTOUCHED static void raises_bus(int signal) {
    ALONE;
    raise(SIGBUS);
    value = 6;
}
static int other_signal_in_a_handler(void) {
    act(SIGSEGV, raises_bus, 0, 0);
    act(SIGBUS, of_bus, 0, 0);
    if (!sigsetjmp(back, 1))
        fault();
    return value == 5 && nothing_blocked();
}
UNTOUCHED static void raises_itself(int signal) {
    ALONE;
    if (++count == 1) {
        raise(SIGSEGV); // waits until this one is done
        depth = count;
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
    }
}
static int raised_in_its_handler(void) {
    act(SIGSEGV, raises_itself, 0, 0);
    fault();
    return depth == 1 && count == 2 && nothing_blocked();
}
static void other(int signal) { value = 9, siglongjmp(back, 1); }
UNTOUCHED static void exchanges(int signal) {
    ALONE;
    count++;
    struct sigaction action = {.sa_handler = other};
    sigaction(SIGSEGV, &action, NULL);
}
static int exchanged_by_its_handler(void) {
    act(SIGSEGV, exchanges, 0, 0);
    if (!sigsetjmp(back, 1))
        fault();
    return count == 1 && value == 9;
}
UNTOUCHED static void defaults(int signal) {
    ALONE;
    observe();
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGSEGV, &action, NULL);
}
static int back_to_default(void) {
    act(SIGSEGV, defaults, 0, 0);
    fault();
    return 0;
}

// The context that a handler gets, and gives back changed.
UNTOUCHED static void goes_on_elsewhere(int signal, siginfo_t *info, void *context) {
    ALONE;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    registers[REG_RAX] = 77;
    registers[REG_RIP] += 2; // mov (%rdx), %eax
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGUSR2);
}
static int changed_context(void) {
    struct sigaction action = {.sa_sigaction = goes_on_elsewhere, .sa_flags = SA_SIGINFO};
    long result = 0;
    sigaction(SIGSEGV, &action, NULL);
    __asm__ volatile(".byte 0x8b, 0x02" : "+a"(result) : "d"(8l) : "memory");
    return result == 77 && blocked(SIGUSR2) && !blocked(SIGSEGV) && untouched(1) == 2;
}
static ucontext_t seen;
UNTOUCHED static void reads_context(int signal, siginfo_t *info, void *context) {
    ALONE;
    seen = *(ucontext_t *)context;
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}
static int context_of_a_fault(void) {
    act(SIGSEGV, repairs, 0, 0);
    struct sigaction action = {.sa_sigaction = reads_context, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigset_t two;
    sigemptyset(&two), sigaddset(&two, SIGUSR1), sigaddset(&two, SIGBUS);
    sigprocmask(SIG_SETMASK, &two, NULL);
    fault();
    return sigismember(&seen.uc_sigmask, SIGUSR1) && sigismember(&seen.uc_sigmask, SIGBUS) &&
           !sigismember(&seen.uc_sigmask, SIGSEGV) && seen.uc_stack.ss_sp == stack &&
           seen.uc_stack.ss_size == sizeof stack && blocked(SIGBUS) && !blocked(SIGSEGV);
}
static int as_it_was_set(void) {
    struct sigaction action = {.sa_handler = repairs, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESTART}, got;
    sigaddset(&action.sa_mask, SIGUSR1), sigaddset(&action.sa_mask, SIGBUS);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGSEGV, NULL, &got);
    int right = got.sa_handler == repairs && (got.sa_flags & ~0x04000000) == action.sa_flags &&
                sigismember(&got.sa_mask, SIGUSR1) && sigismember(&got.sa_mask, SIGBUS) &&
                !sigismember(&got.sa_mask, SIGSEGV) && !sigismember(&got.sa_mask, SIGTERM);
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGUSR2, NULL, &got);
    return right && sigismember(&got.sa_mask, SIGSEGV) && sigismember(&got.sa_mask, SIGBUS);
}
static int wrong_calls(void) {
    struct sigaction action = {.sa_handler = repairs};
    return sigaction(SIGKILL, &action, NULL) == -1 && sigaction(65, &action, NULL) == -1 &&
           sigaction(0, &action, NULL) == -1 && signal(SIGSTOP, repairs) == SIG_ERR &&
           sigprocmask(77, &(sigset_t){}, NULL) == -1 && untouched(1) == 2;
}

int main(int argc, char **argv) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    return run_cases(argc, argv, (struct test_case[]){
        {"repairs and returns", returns},
        {"masks another signal", masks_others},
        {"masks the other one", masks_bus},
        {"on the alternate stack", alternate_stack},
        {"SA_NODEFER", deferred_not},
        {"SA_RESETHAND, then a second fault", reset_by_hand},
        {"jumps out, with the mask", jumps_with_mask},
        {"jumps out, without the mask", jumps_and_stays_blocked},
        {"a fault after such a jump", dies_after_such_a_jump},
        {"jumps off the alternate stack", jumps_off_the_stack},
        {"SIGBUS", bus},
        {"SIGBUS, repaired", bus_repaired},
        {"a fault in the handler", in_a_handler},
        {"a fault in a handler that defers it", in_a_handler_deferred},
        {"the other signal in the handler", other_signal_in_a_handler},
        {"raised in its own handler", raised_in_its_handler},
        {"replaced by its handler", exchanged_by_its_handler},
        {"set to the default by its handler", back_to_default},
        {"goes on elsewhere", changed_context},
        {"reads its context", context_of_a_fault},
        {"reads back as it was set", as_it_was_set},
        {"wrong calls fail", wrong_calls},
        {},
    });
}
