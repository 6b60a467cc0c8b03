//#Flags: -O0 -fno-omit-frame-pointer
//#Modes: pie nopie
//#LinkFlags: -rdynamic
//#Stdout: innermost caught: yes
//#Stdout: main found: yes
// A handler for the program's own fault takes a backtrace, as crash reporters do: it goes from the
// handler over the signal frame to main.
#define _GNU_SOURCE
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int has(char **names, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strstr(names[i], name))
            return 1;
    return 0;
}

static void handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info, (void)context;
    void *frames[64];
    int count = backtrace(frames, 64);
    char **names = backtrace_symbols(frames, count);
    printf("innermost caught: %s\n", has(names, count, "cause_a_fault") ? "yes" : "no");
    printf("main found: %s\n", has(names, count, "main") ? "yes" : "no");
    fflush(stdout);
    _exit(0);
}

__attribute__((noinline)) int cause_a_fault(volatile int *place) { return *place = 1; }

__attribute__((noinline)) int middle(volatile int *place) { return cause_a_fault(place) + 1; }

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    return middle((volatile int *)8);
}
