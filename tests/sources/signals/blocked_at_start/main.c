//#Flags: -O1 -I$SRC/../../../include
//#Shared: libearly.so = lib.c
//#Modes: pie nopie
//#Stdout: all are blocked in main: yes
//#Stdout: constructor 3, main 2, destructor 4
// The constructor of a library, which runs before any code of the program, blocks every signal for good.
#include "untouched.h"
#include <signal.h>
#include <stdio.h>

extern int early;
UNTOUCHED static int in_constructor(int x) {
    ALONE;
    return x + 3;
}
UNTOUCHED static int in_destructor(int x) {
    ALONE;
    return x + 4;
}
static int first, second;
__attribute__((constructor)) static void start(void) { first = in_constructor(0); }
__attribute__((destructor)) static void end(void) {
    printf("constructor %d, main %d, destructor %d\n", first, second, in_destructor(0));
}

int main(int argc, char **argv) {
    sigset_t now;
    second = untouched(argc);
    sigprocmask(SIG_SETMASK, NULL, &now);
    int blocked = sigismember(&now, SIGSEGV) && sigismember(&now, SIGBUS) && sigismember(&now, SIGTERM);
    printf("all are blocked in main: %s\n", early == 5 && blocked ? "yes" : "no");
    return 0;
}
