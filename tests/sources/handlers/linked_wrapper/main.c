//#Flags: -O1 -I$SRC/../../../include
//#Shared: libwraps.so = wraps.c
//#Shared: libcalls.so = calls.c
//#Modes: pie nopie
//#Stdout: the program's calls are seen: yes
//#Stdout: a library's calls are seen: yes
//#Stdout: untouched code with all blocked: yes
// A library that the program is linked against defines functions of libc's names, and calls libc's by what dlsym says.
// It sees each call of the program and of its libraries once.
#include "untouched.h"
#include <signal.h>
#include <stdio.h>

void library_calls(void);
extern int wrapped_calls[3], full_masks;
static void handler(int signal) {}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = handler};
    sigset_t all, none;
    sigfillset(&all), sigemptyset(&none);
    wrapped_calls[0] = wrapped_calls[1] = wrapped_calls[2] = full_masks = 0;
    sigaction(SIGSEGV, &action, NULL);
    signal(SIGBUS, handler);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int right = untouched(argc) == argc + 1;
    sigprocmask(SIG_SETMASK, &none, NULL);
    int seen = wrapped_calls[0] == 1 && wrapped_calls[1] == 1 && wrapped_calls[2] == 2 && full_masks == 1;
    printf("the program's calls are seen: %s\n", seen ? "yes" : "no");
    library_calls();
    seen = wrapped_calls[0] == 2 && wrapped_calls[1] == 2 && wrapped_calls[2] == 4 && full_masks == 2;
    printf("a library's calls are seen: %s\n", seen ? "yes" : "no");
    printf("untouched code with all blocked: %s\n", right ? "yes" : "no");
    return 0;
}
