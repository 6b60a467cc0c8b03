//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: write: 5
//#Stdout: process_vm_readv: 5
//#KnownDifference: write: -14
//#KnownDifference: process_vm_readv: -14
// System calls that the program makes by itself, without libc, with buffers among code that was never touched.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <sys/syscall.h>
#include <sys/uio.h>

FAR_BYTES(far_text, ".ascii \"bytes\"");

static long raw(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
    long result;
    asm volatile("syscall"
                 : "=a"(result)
                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                 : "rcx", "r11", "memory");
    return result;
}

static int by_write(void) {
    int ends[2];
    return pipe(ends) ? -1 : raw(SYS_write, ends[1], (long)far_text, 5, 0, 0, 0);
}

static int by_process_vm_readv(void) {
    char buffer[5];
    struct iovec local = {buffer, 5}, remote = {(void *)far_text, 5};
    return raw(SYS_process_vm_readv, getpid(), (long)&local, 1, (long)&remote, 1, 0);
}

static const struct check checks[] = {{"write", by_write}, {"process_vm_readv", by_process_vm_readv}};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
