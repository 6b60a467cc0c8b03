//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: before: 42
//#Stdout: by /proc/self/mem: 43
//#Stdout: by /proc/self/mem, in a child: 43
//#Stdout: by the parent through mem: 43
//#Stdout: by the parent through PTRACE_POKETEXT: 43
//#Stdout: by process_vm_writev: 14
//#Stdout: by mprotect and an assignment: 43
//#Stdout: by mprotect and read(2): 43
// Code that was never touched is changed before it runs: what runs is the changed code.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

FAR_PAGE(far);
static const char number = 43; // of `mov $42, %eax`, the second byte

static int write_to(pid_t process) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/mem", process);
    int file = open(path, O_RDWR);
    return file >= 0 && pwrite(file, &number, 1, (off_t)far + 1) == 1;
}

static int before(void) { return far(); }
static int by_self_mem(void) { return write_to(getpid()) ? far() : -errno; }
static int status_of(pid_t child) {
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}
static int by_self_mem_in_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(by_self_mem());
    return status_of(child);
}

static pid_t traced_child(void) {
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        _exit(far());
    }
    waitpid(child, NULL, 0);
    return child;
}
// Signals go to the child as they came, as a debugger that knows of nothing would hand them on.
static int finish(pid_t child) {
    int status, signal = 0;
    do {
        ptrace(PTRACE_CONT, child, NULL, (void *)(long)signal);
        waitpid(child, &status, 0);
        signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
    } while (WIFSTOPPED(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}
static int by_parent(void) {
    pid_t child = traced_child();
    int written = write_to(child);
    int result = finish(child);
    return written ? result : -1000 - result;
}
static int by_poke(void) {
    pid_t child = traced_child();
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, child, (void *)far, NULL);
    long failed = errno ? errno : ptrace(PTRACE_POKETEXT, child, (void *)far, (void *)(word + 256));
    int result = finish(child);
    return failed ? -1000 - result : result;
}
static int by_vm_write(void) {
    struct iovec local = {(void *)&number, 1}, remote = {(char *)far + 1, 1};
    return process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 1 ? 0 : errno;
}
static void *writable(void) {
    void *page = (void *)((uintptr_t)far & -4096);
    return mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) ? NULL : (char *)far + 1;
}
static int by_assignment(void) {
    volatile char *at = writable();
    *at = number;
    return far();
}
static int by_read(void) {
    int ends[2];
    if (pipe(ends) || write(ends[1], &number, 1) != 1)
        return -1;
    return read(ends[0], writable(), 1) == 1 ? far() : -errno;
}

static const struct check checks[] = {
    {"before", before},
    {"by /proc/self/mem", by_self_mem},
    {"by /proc/self/mem, in a child", by_self_mem_in_child},
    {"by the parent through mem", by_parent},
    {"by the parent through PTRACE_POKETEXT", by_poke},
    {"by process_vm_writev", by_vm_write},
    {"by mprotect and an assignment", by_assignment},
    {"by mprotect and read(2)", by_read},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
