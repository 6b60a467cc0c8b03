//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: unmapped: yes
//#Stdout: protected: yes
//#Stdout: holds data: yes
//#Stdout: holds a frame: yes
// An alternate stack whose memory is used for something else, or is not there any more, harms nobody while no handler
// of the program runs on it; and first touches are none of the program's.
#define _GNU_SOURCE
#include "cases.h"
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

static char *stack;
static const size_t size = 65536;

static void set_stack(void) {
    stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = size}, NULL);
}
static int unmapped(void) {
    set_stack();
    munmap(stack, size);
    return untouched(1) == 2;
}
static int protected(void) {
    set_stack();
    mprotect(stack, size, PROT_READ);
    return untouched(1) == 2;
}
static int holds_data(void) {
    set_stack();
    memset(stack, 0x5a, size);
    int right = untouched(1) == 2;
    for (size_t i = 0; i < size; i++)
        right &= stack[i] == 0x5a;
    return right;
}
// A handler's frame is kept, to go on with it later, when signals are handled elsewhere again.
static sigjmp_buf in_handler, outside;
static volatile int sum;
static void stays(int signal) {
    volatile int local[1000];
    for (int i = 0; i < 1000; i++)
        local[i] = i;
    if (!sigsetjmp(in_handler, 1))
        siglongjmp(outside, 1);
    for (int i = 0; i < 1000; i++)
        sum += local[i];
    siglongjmp(outside, 2);
}
static int holds_a_frame(void) {
    set_stack();
    struct sigaction action = {.sa_handler = stays, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    switch (sigsetjmp(outside, 1)) {
    case 0:
        raise(SIGUSR1);
        return 0;
    case 1:
        if (untouched(1) != 2)
            return 0;
        siglongjmp(in_handler, 1);
    }
    return sum == 999 * 1000 / 2;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"unmapped", unmapped},
        {"protected", protected},
        {"holds data", holds_data},
        {"holds a frame", holds_a_frame},
        {},
    });
}
