//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: 64 bytes are left: yes
//#Stdout: 64 bytes are left, and an alternate stack: yes
//#Stdout: a handler on the least alternate stack calls: yes
//#Stdout: a handler on the least alternate stack: yes
//#Stdout: a fibre of 4 KiB: yes
//#Stdout: a fibre of 512 bytes: yes
//#KnownDifference: 64 bytes are left: died by signal 11
//#KnownDifference: 64 bytes are left, and an alternate stack: died by signal 11
// Untouched code is called where there is next to no stack left: no signal's frame has room there.
#define _GNU_SOURCE
#include "cases.h"
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

static volatile int on_stack, sum;
static char *stack;
static size_t size;

// A stack between pages that nobody may touch.
static char *guarded(size_t wanted) {
    size_t pages = (wanted + 4095) & ~4095ul;
    char *area = mmap(NULL, pages + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(area + 4096, pages, PROT_READ | PROT_WRITE);
    return area + 4096 + pages - wanted;
}
static int is_on_stack(void) {
    char here;
    return &here >= stack && &here < stack + size;
}
static void alternate(size_t wanted, void (*handler)(int)) {
    size = wanted & ~15ul;
    stack = guarded(size);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = size}, NULL);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
}

UNTOUCHED static int returns_one(void) {
    ALONE;
    return 1;
}
static int with_left(size_t left) {
    long result, top = (long)guarded(65536) + left;
    __asm__ volatile("mov %%rsp, %%rbx\n\tmov %1, %%rsp\n\tcall *%2\n\tmov %%rbx, %%rsp"
                     : "=a"(result) : "r"(top), "r"(returns_one)
                     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
    return (int)result == 1;
}
static int little_left(void) { return with_left(64); }
static void unused(int signal) {}
static int little_left_with_alternate(void) {
    alternate(SIGSTKSZ, unused);
    return with_left(64);
}

static void calls_untouched(int signal) {
    on_stack = is_on_stack();
    sum = untouched(4);
}
UNTOUCHED static void is_untouched(int signal) {
    ALONE;
    on_stack = is_on_stack();
    sum = 5;
}
// What the kernel needs for one frame, and a little for the handler.
static int of_least_size(void (*handler)(int)) {
    alternate(sysconf(_SC_MINSIGSTKSZ) + 512, handler);
    raise(SIGUSR1);
    return sum == 5 && on_stack;
}
static int handler_calls(void) { return of_least_size(calls_untouched); }
static int handler_is(void) { return of_least_size(is_untouched); }

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
static int fibre_of_4k(void) { return fibre_of(4096); }
static int fibre_of_512(void) { return fibre_of(512); }

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"64 bytes are left", little_left},
        {"64 bytes are left, and an alternate stack", little_left_with_alternate},
        {"a handler on the least alternate stack calls", handler_calls},
        {"a handler on the least alternate stack", handler_is},
        {"a fibre of 4 KiB", fibre_of_4k},
        {"a fibre of 512 bytes", fibre_of_512},
        {},
    });
}
