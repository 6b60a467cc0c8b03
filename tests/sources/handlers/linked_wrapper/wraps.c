#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>

int wrapped_calls[3], full_masks;

int sigaction(int number, const struct sigaction *new, struct sigaction *old) {
    int (*next)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
    wrapped_calls[0]++;
    return next(number, new, old);
}
__sighandler_t signal(int number, __sighandler_t handler) {
    __sighandler_t (*next)(int, __sighandler_t) = dlsym(RTLD_NEXT, "signal");
    wrapped_calls[1]++;
    return next(number, handler);
}
int sigprocmask(int how, const sigset_t *new, sigset_t *old) {
    int (*next)(int, const sigset_t *, sigset_t *) = dlsym(RTLD_NEXT, "sigprocmask");
    wrapped_calls[2]++;
    full_masks += new && sigismember(new, SIGSEGV) && sigismember(new, SIGBUS) && sigismember(new, SIGTERM);
    return next(how, new, old);
}
