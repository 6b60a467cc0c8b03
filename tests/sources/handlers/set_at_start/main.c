//#Flags: -O1 -I$SRC/../../../include
//#Shared: libearly.so = lib.c
//#Modes: pie nopie
//#Stdout: the program reads the library's handler back: yes
//#Stdout: untouched code is no fault: yes
//#Stdout: the library saw 1 fault, code 1, at the right place: yes
// The constructor of a library, which runs before any code of the program, sets a handler for faults. It sees the
// program's own, and none of those that are first touches.
#include "untouched.h"
#include <signal.h>
#include <stdio.h>

extern int early_count, early_code, early_right;
extern void early_handler(int, siginfo_t *, void *);

UNTOUCHED static int in_constructor(int x) {
    ALONE;
    return x + 3;
}
static int first;
__attribute__((constructor)) static void start(void) { first = in_constructor(0); }

int main(int argc, char **argv) {
    struct sigaction now;
    sigaction(SIGSEGV, NULL, &now);
    int right = now.sa_sigaction == early_handler && (now.sa_flags & SA_SIGINFO) && sigismember(&now.sa_mask, SIGUSR1);
    printf("the program reads the library's handler back: %s\n", right ? "yes" : "no");
    right = first == 3 && untouched(argc) == argc + 1 && early_count == 0;
    printf("untouched code is no fault: %s\n", right ? "yes" : "no");
    __asm__ volatile("movb $1, (%0)" : : "r"(8l) : "memory"); // three bytes, which the handler skips
    printf("the library saw %d fault, code %d, at the right place: %s\n", early_count, early_code,
           early_right ? "yes" : "no");
    return 0;
}
