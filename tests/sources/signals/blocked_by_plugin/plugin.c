#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>

static int (*find(const char *name))(int, const sigset_t *, sigset_t *) {
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    return (int (*)(int, const sigset_t *, sigset_t *))dlsym(libc ? libc : RTLD_NEXT, name);
}

__attribute__((constructor)) static void block(void) {
    sigset_t all;
    sigfillset(&all);
    find("sigprocmask")(SIG_SETMASK, &all, NULL);
}

int is_blocked(void) {
    sigset_t now;
    find("pthread_sigmask")(SIG_SETMASK, NULL, &now);
    return sigismember(&now, SIGSEGV) && sigismember(&now, SIGTERM);
}

static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, 1); }
int handles(void) {
    sigset_t none;
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    int (*set)(int, const struct sigaction *, struct sigaction *) = dlsym(libc, "sigaction");
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    set(SIGSEGV, &action, NULL);
    if (!sigsetjmp(back, 1))
        *(volatile char *)8 = 1;
    else
        return 1;
    return 0;
}
