#include <signal.h>
#include <stddef.h>

void library_calls(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t all, before;
    sigfillset(&all);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGUSR2, SIG_IGN);
    sigprocmask(SIG_SETMASK, &all, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}
