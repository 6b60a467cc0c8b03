//#Flags: -O1 -w -I$SRC
//#Shared: libnames.so = lib.c
//#Modes: pie nopie
//#Stdout: 34 functions, each with one address
// A function of libc has the same address for the program, for a library and for who asks by name; by version, it is
// there too.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>
#include "names.h"

extern void *const library_addresses[];
#define X(name) (void *)name,
static void *const volatile addresses[] = {NAMES};
#undef X
#define X(name) #name,
static const char *const names[] = {NAMES};

int main(void) {
    int count = sizeof names / sizeof *names, wrong = 0;
    for (int i = 0; i < count; i++) {
        void *found = dlsym(RTLD_DEFAULT, names[i]);
        if (addresses[i] != found || library_addresses[i] != found || !dlsym(RTLD_NEXT, names[i])) {
            printf("%s: the program's, the library's and what is found by name differ\n", names[i]);
            wrong++;
        }
    }
    if (!dlvsym(RTLD_DEFAULT, "sigaction", "GLIBC_2.2.5") || !dlvsym(RTLD_DEFAULT, "mmap", "GLIBC_2.2.5")) {
        puts("a function is not there by its version");
        wrong++;
    }
    if (!wrong)
        printf("%d functions, each with one address\n", count);
    return wrong;
}
