//#Flags: -O1 -I$SRC/../../../include
//#Shared: libwraps.so = wraps.c
//#Shared: libcalls.so = calls.c
//#Link: main.c libcalls.so
//#Modes: pie nopie
//#Env: LD_PRELOAD=$LIB/libwraps.so
//#Stdout: the program's calls are seen: yes
//#Stdout: a library's calls are seen: yes
//#Stdout: untouched code with all blocked: yes
//#Stdout: a fault is handled: yes
// A library that is preloaded puts functions of its own before libc's, as tools do that watch a program. It sees
// each call of the program and of its libraries once, with what was passed, and calls on.
#define _GNU_SOURCE
#include "untouched.h"
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

void library_calls(void);
static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, 1); }

int main(int argc, char **argv) {
    int *calls = dlsym(RTLD_DEFAULT, "wrapped_calls"), *full = dlsym(RTLD_DEFAULT, "full_masks");
    struct sigaction action = {.sa_handler = handler};
    sigset_t all, none;
    sigfillset(&all), sigemptyset(&none);
    calls[0] = calls[1] = calls[2] = *full = 0;
    sigaction(SIGSEGV, &action, NULL);
    signal(SIGBUS, handler);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int right = untouched(argc) == argc + 1;
    sigprocmask(SIG_SETMASK, &none, NULL);
    int seen = calls[0] == 1 && calls[1] == 1 && calls[2] == 2 && *full == 1;
    printf("the program's calls are seen: %s\n", seen ? "yes" : "no");
    library_calls();
    seen = calls[0] == 2 && calls[1] == 2 && calls[2] == 4 && *full == 2;
    printf("a library's calls are seen: %s\n", seen ? "yes" : "no");
    printf("untouched code with all blocked: %s\n", right ? "yes" : "no");
    if (sigsetjmp(back, 1))
        puts("a fault is handled: yes");
    else
        *(volatile char *)8 = 1;
    return 0;
}
