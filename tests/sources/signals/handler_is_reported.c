//#Modes: pie nopie
//#Stdout: at first: default default
//#Stdout: after setting: mine mine
//#Stdout: old action of signal(): mine
//#Stdout: after resetting: default ignored
// What a program reads back about SIGSEGV and SIGBUS is what it has set, and nothing of a pager's.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void mine(int signal) { _Exit(3); }

static const char *current(int signal) {
    struct sigaction action;
    sigaction(signal, NULL, &action);
    return action.sa_handler == SIG_DFL   ? "default"
           : action.sa_handler == SIG_IGN ? "ignored"
           : action.sa_handler == mine    ? "mine"
                                          : "somebody's";
}

int main(void) {
    printf("at first: %s %s\n", current(SIGSEGV), current(SIGBUS));
    struct sigaction action = {.sa_handler = mine};
    sigaction(SIGSEGV, &action, NULL);
    signal(SIGBUS, mine);
    printf("after setting: %s %s\n", current(SIGSEGV), current(SIGBUS));
    printf("old action of signal(): %s\n", signal(SIGSEGV, SIG_DFL) == mine ? "mine" : "other");
    signal(SIGBUS, SIG_IGN);
    printf("after resetting: %s %s\n", current(SIGSEGV), current(SIGBUS));
    return 0;
}
