//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: MADV_DONTNEED: 42
//#Stdout: MADV_WILLNEED: 42
//#Stdout: MADV_SEQUENTIAL: 42
//#Stdout: MADV_COLD: 42
//#Stdout: MADV_PAGEOUT: 42
//#Stdout: MADV_POPULATE_READ: 42
//#Stdout: MADV_FREE is not for code: -22
//#Stdout: MADV_WIPEONFORK is not for code: -22
//#Stdout: MADV_REMOVE is not for code: -13
//#Stdout: MADV_POPULATE_WRITE is not for code: 1
//#Stdout: MADV_HUGEPAGE: 42
//#Stdout: posix_madvise: 42
//#Stdout: touched, then MADV_DONTNEED: 42
//#Stdout: changed, then MADV_DONTNEED: 42
//#Stdout: MADV_DONTFORK is for the parent: 42
//#Stdout: and against the child: 11
//#Stdout: MADV_DONTFORK taken back: 42
//#Stdout: MADV_DONTDUMP: 42
//#Stdout: MADV_MERGEABLE: 42
//#Stdout: many pages, MADV_DONTNEED: 42
//#Stdout: by process_madvise: 42
//#Stdout: mlock: 42
//#Stdout: mlock2 on fault: 42
//#Stdout: mlockall: 42
//#Stdout: mlockall on fault: 42
//#Stdout: munlock: 42
//#Stdout: mincore: 42
//#Stdout: msync: 42
//#Stdout: readahead of what is mapped: 42
//#KnownDifference: MADV_FREE is not for code: 42
//#KnownDifference: MADV_WIPEONFORK is not for code: 42
//#KnownDifference: MADV_REMOVE is not for code: -22
// The kernel gets advice on code that was never touched, locks it, and says what it knows of it.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

FAR_PAGE(far);
enum { AROUND = 131072 - 4096, ADVISE_COLD = 20, ADVISE_PAGEOUT = 21, POPULATE_READ = 22, POPULATE_WRITE = 23 };

static char *page(void) { return (char *)((uintptr_t)far & -4096); }

// What the kernel does not know is not what is tested.
static int advise(int advice) {
    return madvise(page(), 4096, advice) && errno != EINVAL && errno != ENOSYS ? -errno : far();
}
static int refused(int advice) { return madvise(page(), 4096, advice) ? -errno : far(); }

static int dont_need(void) { return refused(MADV_DONTNEED); }
static int will_need(void) { return refused(MADV_WILLNEED); }
static int sequential(void) { return refused(MADV_SEQUENTIAL); }
static int cold(void) { return advise(ADVISE_COLD); }
static int page_out(void) { return advise(ADVISE_PAGEOUT); }
static int populate(void) { return advise(POPULATE_READ); }
static int free_it(void) { return refused(MADV_FREE); }
static int wipe(void) { return refused(MADV_WIPEONFORK); }
static int remove_it(void) { return refused(MADV_REMOVE); }
static int populate_write(void) { return madvise(page(), 4096, POPULATE_WRITE) < 0; }
static int huge(void) { return advise(MADV_HUGEPAGE); }
static int posix(void) { return posix_madvise(page(), 4096, POSIX_MADV_WILLNEED) ? -1 : far(); }
static int touched(void) { return far() == 42 ? refused(MADV_DONTNEED) : -1; }
static int changed(void) {
    if (mprotect(page(), 4096, PROT_READ | PROT_WRITE | PROT_EXEC))
        return -errno;
    *((volatile char *)far + 1) = 43;
    // The change goes, the program comes back.
    return refused(MADV_DONTNEED);
}
static int in_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(far());
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}
static int dont_fork(void) { return refused(MADV_DONTFORK); }
static int dont_fork_child(void) { return madvise(page(), 4096, MADV_DONTFORK) ? -errno : in_child(); }
static int do_fork(void) {
    return madvise(page(), 4096, MADV_DONTFORK) || madvise(page(), 4096, MADV_DOFORK) ? -errno : in_child();
}
static int dont_dump(void) { return refused(MADV_DONTDUMP); }
static int mergeable(void) { return advise(MADV_MERGEABLE); }
static int many(void) {
    return madvise(page() - AROUND, 2 * AROUND, MADV_DONTNEED) ? -errno : far();
}
static int by_process_madvise(void) {
    int process = syscall(SYS_pidfd_open, getpid(), 0);
    struct iovec range = {page(), 4096};
    syscall(SYS_process_madvise, process, &range, 1l, (long)ADVISE_PAGEOUT, 0l);
    return far();
}
// Some systems allow little to be locked; one page is allowed by all.
static int lock(void) { return mlock(page(), 4096) ? -errno : far(); }
static int lock_on_fault(void) { return mlock2(page(), 4096, MLOCK_ONFAULT) ? -errno : far(); }
static int lock_all(void) { return mlockall(MCL_CURRENT | MCL_FUTURE) && errno != ENOMEM && errno != EPERM ? -errno : far(); }
static int lock_all_on_fault(void) {
    return mlockall(MCL_CURRENT | MCL_FUTURE | 4) && errno != ENOMEM && errno != EPERM ? -errno : far();
}
static int unlock(void) { return mlock(page(), 4096) || munlock(page(), 4096) ? -errno : far(); }
static int in_core(void) { unsigned char there; return mincore(page(), 4096, &there) ? -errno : far(); }
static int synced(void) { return msync(page(), 4096, MS_SYNC) ? -errno : far(); }
static int read_ahead(void) { return posix_madvise(page() - AROUND, 2 * AROUND, POSIX_MADV_SEQUENTIAL) ? -1 : far(); }

static const struct check checks[] = {
    {"MADV_DONTNEED", dont_need},
    {"MADV_WILLNEED", will_need},
    {"MADV_SEQUENTIAL", sequential},
    {"MADV_COLD", cold},
    {"MADV_PAGEOUT", page_out},
    {"MADV_POPULATE_READ", populate},
    {"MADV_FREE is not for code", free_it},
    {"MADV_WIPEONFORK is not for code", wipe},
    {"MADV_REMOVE is not for code", remove_it},
    {"MADV_POPULATE_WRITE is not for code", populate_write},
    {"MADV_HUGEPAGE", huge},
    {"posix_madvise", posix},
    {"touched, then MADV_DONTNEED", touched},
    {"changed, then MADV_DONTNEED", changed},
    {"MADV_DONTFORK is for the parent", dont_fork},
    {"and against the child", dont_fork_child},
    {"MADV_DONTFORK taken back", do_fork},
    {"MADV_DONTDUMP", dont_dump},
    {"MADV_MERGEABLE", mergeable},
    {"many pages, MADV_DONTNEED", many},
    {"by process_madvise", by_process_madvise},
    {"mlock", lock},
    {"mlock2 on fault", lock_on_fault},
    {"mlockall", lock_all},
    {"mlockall on fault", lock_all_on_fault},
    {"munlock", unlock},
    {"mincore", in_core},
    {"msync", synced},
    {"readahead of what is mapped", read_ahead},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
