//#Modes: pie
//#Flags: -g
#include <signal.h>
#include <stdio.h>
#include <string.h>
static volatile sig_atomic_t seen;
static int deeper(int x) { return x + 1; }
static void on_usr1(int number) { seen += deeper(number); }
static void on_fault(int number, siginfo_t *info, void *context) {
    static const char text[] = "a fault\n";
    seen += number;
    fputs(text, stdout);
    fflush(stdout);
    _Exit(0);
}
static int touch(volatile int *where) { return *where; }
int main(int argc, char **argv) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    signal(SIGUSR1, on_usr1);
    sigaction(SIGSEGV, &action, NULL);
    raise(SIGUSR1);
    printf("seen %d\n", seen);
    raise(SIGUSR1);
    printf("seen %d\n", seen);
    return touch((int *)16);
}
