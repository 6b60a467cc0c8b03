//#Flags: -O1 -I$SRC/../../include
//#LinkFlags: -rdynamic -ldl
//#Modes: pie nopie
//#Stdout: its own sigaction: 2 calls
//#Stdout: its own sigprocmask: 2 calls
//#Stdout: untouched code with all blocked: yes
//#Stdout: a fault is handled: yes
//#Stdout: found by name is its own: yes
// A program defines functions of libc's names itself, as runtimes do that chain the handlers of others, and calls
// libc's by what dlsym says.
#define _GNU_SOURCE
#include "untouched.h"
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static int actions, masks;
int sigaction(int number, const struct sigaction *new, struct sigaction *old) {
    int (*next)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
    actions++;
    return next(number, new, old);
}
int sigprocmask(int how, const sigset_t *new, sigset_t *old) {
    int (*next)(int, const sigset_t *, sigset_t *) = dlsym(RTLD_NEXT, "sigprocmask");
    masks++;
    return next(how, new, old);
}
static sigjmp_buf back;
UNTOUCHED static void handler(int signal) {
    ALONE;
    siglongjmp(back, 1);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = handler};
    sigset_t all, none;
    sigfillset(&all), sigemptyset(&none);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int right = untouched(argc) == argc + 1;
    sigprocmask(SIG_SETMASK, &none, NULL);
    printf("its own sigaction: %d calls\nits own sigprocmask: %d calls\n", actions, masks);
    printf("untouched code with all blocked: %s\n", right ? "yes" : "no");
    if (sigsetjmp(back, 1))
        puts("a fault is handled: yes");
    else
        *(volatile char *)8 = 1;
    printf("found by name is its own: %s\n", dlsym(RTLD_DEFAULT, "sigaction") == (void *)sigaction ? "yes" : "no");
    return 0;
}
