//#Modes: pie nopie static
//#Flags: -O1 -I$SRC/../../include
//#Stdout: recovered from null: code 1, address right
//#Stdout: recovered from a protected page: code 2, address right
//#Stdout: repaired the protection: 5
//#Stdout: untouched code still runs: 12
//#Stdout: default action restored
//#Signal: 11
// A program that handles its own faults, as runtimes with guard pages do. Its handler gets its own
// faults and no other, and untouched code keeps working meanwhile.
#define _GNU_SOURCE
#include "untouched.h"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

static sigjmp_buf back;
static volatile int code, repair;
static void *volatile address;
static char *page;

UNTOUCHED static void on_fault(int signal, siginfo_t *info, void *context) {
    ALONE;
    code = info->si_code;
    address = info->si_addr;
    if (repair) {
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        return;
    }
    siglongjmp(back, 1);
}

UNTOUCHED static int three_times(int x) {
    ALONE;
    return x * 3;
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    volatile int *volatile null = (int *)(long)(argc - 1);
    if (!sigsetjmp(back, 1))
        *null = 1;
    printf("recovered from null: code %d, address %s\n", code, address == NULL ? "right" : "wrong");
    if (!sigsetjmp(back, 1))
        page[100] = 1;
    printf("recovered from a protected page: code %d, address %s\n", code,
           address == page + 100 ? "right" : "wrong");
    repair = 1;
    ((volatile char *)page)[200] = 5;
    printf("repaired the protection: %d\n", page[200]);
    printf("untouched code still runs: %d\n", three_times(argc + 3));

    signal(SIGSEGV, SIG_DFL);
    puts("default action restored");
    fflush(stdout);
    *null = 1;
    return 0;
}
