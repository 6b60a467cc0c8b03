//#Flags: -O0 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: main with all signals blocked: 10
//#Stdout: thread with all signals blocked: 11
//#Stdout: the mask reads back as set: yes
//#Stdout: in a handler that blocks everything: 12
// Untouched code is called while every signal is blocked, as perl does around fork. A fault whose signal is
// blocked would kill the process.
#include "untouched.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

UNTOUCHED static int ten(void) {
    ALONE;
    return 10;
}
UNTOUCHED static int eleven(void) {
    ALONE;
    return 11;
}
UNTOUCHED static int twelve(void) {
    ALONE;
    return 12;
}
static volatile int seen;
static void handler(int signal) { seen = twelve(); }

static void *thread(void *unused) {
    printf("thread with all signals blocked: %d\n", eleven());
    return NULL;
}

int main(void) {
    sigset_t all, before, now;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    printf("main with all signals blocked: %d\n", ten());
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL); // It inherits the mask.
    pthread_join(id, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    printf("the mask reads back as set: %s\n",
           sigismember(&now, SIGSEGV) == 1 && sigismember(&now, SIGBUS) == 1 &&
                   sigismember(&now, SIGTERM) == 1
               ? "yes" : "no");
    sigprocmask(SIG_SETMASK, &before, NULL);

    struct sigaction action = {.sa_handler = handler};
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("in a handler that blocks everything: %d\n", seen);
    return 0;
}
