//#Shared: libpreload.so = preload.c
//#Link: main.c
//#LinkFlags: -ldl
//#Flags: -O1 -fno-builtin
//#Env: LD_PRELOAD=$LIB/libpreload.so
//#Stdout: preloaded functions that the program reaches: 39 of 39
// A preloaded library stands before libc. Every call of the program reaches it, and through it libc.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sched.h>
#include <unistd.h>

static int (*calls_of)(const char *name);

static int reached, tried;
#define TRY(name, ...)                                              \
    do {                                                            \
        calls_of(#name);                                            \
        (void)!name(__VA_ARGS__);                                   \
        tried++;                                                    \
        if (calls_of(#name) == 1)                                   \
            reached++;                                              \
        else                                                        \
            printf(#name " does not reach the library\n");          \
    } while (0)

int main(void) {
    calls_of = (int (*)(const char *))dlsym(RTLD_DEFAULT, "calls_of");
    if (!calls_of)
        return 1;
    struct sigaction action;
    sigset_t set;
    stack_t stack;
    struct iovec nothing = {NULL, 0};
    struct msghdr message = {0};
    struct rlimit limit;
    char page[4096];
    FILE *null = (fopen)("/dev/null", "w");
    sigemptyset(&set);
    getrlimit(RLIMIT_CORE, &limit);

    TRY(sigaction, SIGUSR1, NULL, &action);
    TRY(signal, SIGUSR2, SIG_IGN);
    TRY(sigprocmask, SIG_BLOCK, &set, NULL);
    TRY(pthread_sigmask, SIG_BLOCK, &set, NULL);
    TRY(sigaltstack, NULL, &stack);
    sigaddset(&set, SIGUSR1);
    (sigprocmask)(SIG_BLOCK, &set, NULL);
    TRY(kill, getpid(), SIGUSR1);
    int which;
    TRY(sigwait, &set, &which);
    TRY(raise, SIGUSR2);
    TRY(prctl, PR_GET_DUMPABLE);
    TRY(ptrace, PTRACE_CONT, 0, NULL, NULL);
    void *memory = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY(mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY(mprotect, memory, 4096, PROT_READ | PROT_WRITE);
    TRY(madvise, memory, 4096, MADV_DONTNEED);
    TRY(mlock, memory, 0);
    TRY(mlockall, 0);
    TRY(mremap, memory, 8192, 4096, 0);
    TRY(munmap, memory, 4096);
    TRY(process_vm_readv, getpid(), &nothing, 1, &nothing, 1, 0);
    TRY(open, "/dev/null", O_RDONLY);
    TRY(open64, "/dev/null", O_RDONLY);
    TRY(openat, AT_FDCWD, "/dev/null", O_RDONLY);
    TRY(fopen, "/dev/null", "r");
    TRY(write, 1, page, 0);
    TRY(pwrite, 1, page, 0, 0);
    TRY(writev, 1, &nothing, 1);
    TRY(send, 1, page, 0, 0);
    TRY(sendto, 1, page, 0, 0, NULL, 0);
    TRY(sendmsg, 1, &message, 0);
    TRY(fwrite, page, 1, 0, null);
    TRY(fputs, "", null);
    TRY(unshare, 0);
    TRY(setns, -1, 0);
    TRY(setrlimit, RLIMIT_CORE, &limit);
    TRY(close, -1);
    TRY(dup2, -1, -1);
    TRY(syscall, SYS_getpid);
    TRY(chroot, "/does not exist");
    TRY(execve, "/does not exist", NULL, NULL);
    TRY(setuid, getuid());
    printf("preloaded functions that the program reaches: %d of %d\n", reached, tried);
    return 0;
}
