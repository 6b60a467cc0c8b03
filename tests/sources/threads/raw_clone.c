//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: the thread without libc computed 30
// A thread made by clone itself, with a small stack of its own, shares memory but nothing that
// libc would have set up for it.
#define _GNU_SOURCE
#include "untouched.h"
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static volatile int result;
UNTOUCHED static int three_times(int x) {
    ALONE;
    return x * 3;
}
static int body(void *argument) {
    result = three_times(*(int *)argument);
    return 0;
}

int main(void) {
    int argument = 10, status;
    char *stack = malloc(16384);
    int pid = clone(body, stack + 16384, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, &argument);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
        return 1;
    printf("the thread without libc computed %d\n", result);
    return 0;
}
