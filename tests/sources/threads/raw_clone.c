//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: the thread without libc computed 30
// A thread made by clone itself, with a small stack of its own, shares memory but nothing that
// libc would have set up for it.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static volatile int result;
__attribute__((aligned(8192), noinline)) static int untouched(int x) { return x * 3; }
static int body(void *argument) {
    result = untouched(*(int *)argument);
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
