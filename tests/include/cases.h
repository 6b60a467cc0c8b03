// A program that is several: each case runs in a process of its own, started anew, so that nothing is touched in it
// and its end does not hide the cases after it.
//
//     static int adds(void) { return untouched(1) == 2; }
//     int main(int argc, char **argv) { return run_cases(argc, argv, (struct test_case[]){{"adds", adds}, {}}); }
//
// writes `adds: yes`, or `no`, or by which signal or with which other status the case has ended.
#pragma once

#include "untouched.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// Seconds. No healthy case comes near it, even on a machine that is busy with other things.
#ifndef HANG
#define HANG 5
#endif

struct test_case {
    const char *name;
    int (*is_right)(void);
};

// The words after the number of the case, for a case that starts the program again.
__attribute__((unused)) static int case_argc;
__attribute__((unused)) static char **case_argv;

__attribute__((unused)) static const char *ending(int status, char *text) {
    if (WIFSIGNALED(status))
        sprintf(text, "died by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) > 1)
        sprintf(text, "ended with status %d", WEXITSTATUS(status));
    else
        sprintf(text, "%s", WEXITSTATUS(status) ? "no" : "yes");
    return text;
}

__attribute__((unused)) static int run_cases(int argc, char **argv, const struct test_case *cases) {
    extern char **environ;
    if (argc > 1) {
        case_argc = argc - 2;
        case_argv = argv + 2;
        alarm(HANG); // A case that hangs is to say so, too.
        return !cases[atoi(argv[1])].is_right();
    }
    for (int i = 0; cases[i].name; i++) {
        char number[12], text[40];
        int status;
        pid_t pid;
        sprintf(number, "%d", i);
        if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, (char *[]){argv[0], number, NULL}, environ) ||
            waitpid(pid, &status, 0) != pid)
            return 1;
        printf("%s: %s\n", cases[i].name, ending(status, text));
        fflush(stdout);
    }
    return 0;
}
