//#Flags: -O1
//#Modes: pie nopie
//#Shared: libprotect.so = lib.c
//#Stdout: executable and writable: 42
//#Stdout: readable and back: 42
//#Stdout: forbidden and back: 42
//#Stdout: many pages, forbidden and back: 42
//#Stdout: many pages are made writable: 42
//#Stdout: forbidden stays forbidden: 11
//#Stdout: not executable stays so: 11
//#Stdout: readable after PROT_READ: 184
//#Stdout: changed, then protected again: 43
//#Stdout: by pkey_mprotect: 42
//#Stdout: by syscall: 42
//#Stdout: by a library: 42
//#Stdout: by a library's system call: 42
//#Stdout: forbidden by a library stays so: 11
//#Stdout: in the child of a fork: 42
// The protection of code that was never touched is changed, and then the code runs, or must not.
#define _GNU_SOURCE
#include "../../../fixtures/far.h"
#include "../../../fixtures/each.h"
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

int protect_by_library(void *start, unsigned long length, int protection);
int protect_by_library_call(void *start, unsigned long length, int protection);

FAR_PAGE(far);

#define ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
#define CODE (PROT_READ | PROT_EXEC)

// `far` has this many bytes of padding on either side.
enum { AROUND = 131072 - 4096 };

static char *page(void) { return (char *)((uintptr_t)far & -4096); }
static int one(int protection) { return mprotect(page(), 4096, protection); }
static int many(int protection) { return mprotect(page() - AROUND, 2 * AROUND, protection); }

static int call_in_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(far());
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

static int all(void) { return one(ALL) ? -errno : far(); }
static int readable(void) { return one(PROT_READ) || one(CODE) ? -errno : far(); }
static int none(void) { return one(PROT_NONE) || one(CODE) ? -errno : far(); }
static int many_none(void) { return many(PROT_NONE) || many(CODE) ? -errno : far(); }
static int many_all(void) { return many(ALL) ? -errno : far(); }
static int forbidden(void) { return one(PROT_NONE) ? -errno : call_in_child(); }
static int not_executable(void) { return one(PROT_READ) ? -errno : call_in_child(); }
static int still_readable(void) { return one(PROT_READ) ? -errno : *(volatile unsigned char *)far; }
static int changed(void) {
    if (one(PROT_READ | PROT_WRITE))
        return -errno;
    *((volatile char *)far + 1) = 43;
    return one(CODE) ? -errno : far();
}
static int by_key(void) {
    // Where the processor or the kernel has no keys, this number still means an ordinary mprotect.
    if (pkey_mprotect(page(), 4096, ALL, -1) && (errno != ENOSYS || one(ALL)))
        return -errno;
    return far();
}
static int by_syscall(void) { return syscall(SYS_mprotect, page(), 4096l, ALL) ? -errno : far(); }
static int by_library(void) { return protect_by_library(page(), 4096, ALL) ? -errno : far(); }
static int by_library_call(void) { return protect_by_library_call(page(), 4096, ALL) ? -errno : far(); }
static int forbidden_by_library(void) {
    return protect_by_library(page(), 4096, PROT_NONE) ? -errno : call_in_child();
}
static int in_child(void) { return one(ALL) ? -errno : call_in_child(); }

static const struct check checks[] = {
    {"executable and writable", all},
    {"readable and back", readable},
    {"forbidden and back", none},
    {"many pages, forbidden and back", many_none},
    {"many pages are made writable", many_all},
    {"forbidden stays forbidden", forbidden},
    {"not executable stays so", not_executable},
    {"readable after PROT_READ", still_readable},
    {"changed, then protected again", changed},
    {"by pkey_mprotect", by_key},
    {"by syscall", by_syscall},
    {"by a library", by_library},
    {"by a library's system call", by_library_call},
    {"forbidden by a library stays so", forbidden_by_library},
    {"in the child of a fork", in_child},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
