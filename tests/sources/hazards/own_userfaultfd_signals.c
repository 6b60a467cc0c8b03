//#Flags: -O1
//#Modes: pie nopie
//#Stdout: SIGBUS of its own: code 2, address right
// A program that handles SIGBUS for mapped files, as databases do, gets its own.
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int code;
static void *volatile address;

static void handler(int signal, siginfo_t *info, void *context) {
    code = info->si_code;
    address = info->si_addr;
    siglongjmp(back, 1);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
    FILE *file = tmpfile();
    char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    if (map == MAP_FAILED)
        return 1;
    if (!sigsetjmp(back, 1))
        return ((volatile char *)map)[10]; // The file is empty.
    printf("SIGBUS of its own: code %d, address %s\n", code, address == map + 10 ? "right" : "wrong");
    return 0;
}
