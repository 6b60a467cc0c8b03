#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

int early_count, early_code, early_right;

void early_handler(int signal, siginfo_t *info, void *context) {
    early_count++;
    early_code = info->si_code;
    early_right = info->si_addr == (void *)8;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 3;
}

__attribute__((constructor)) static void set(void) {
    struct sigaction action = {.sa_sigaction = early_handler, .sa_flags = SA_SIGINFO};
    sigaddset(&action.sa_mask, SIGUSR1);
    sigaction(SIGSEGV, &action, NULL);
}
