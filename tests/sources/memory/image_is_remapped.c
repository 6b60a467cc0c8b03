//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: unmapped, then called: 11
//#Stdout: unmapped, something else with MAP_FIXED: 77
//#Stdout: unmapped, something else with MAP_FIXED_NOREPLACE: 77
//#Stdout: something else over it: 77
//#Stdout: MAP_FIXED_NOREPLACE over it: -17
//#Stdout: a hint does not replace it: 42
//#Stdout: memory without access over it: 11
//#Stdout: zeros over it are read: 0
//#Stdout: moved away, called there: 42
//#Stdout: moved away, read there: 184
//#Stdout: moved away and back: 42
//#Stdout: moved away, something else in its place: 77
//#Stdout: moved away leaves nothing: 11
//#Stdout: copied by mremap of old size 0: 1
//#Stdout: moved over touched code: 42
//#Stdout: unmapped around it: 42
//#Stdout: unmapped from a thread: 77
//#Stdout: unmapped by syscall: 77
//#Stdout: a file over it: 77
//#Stdout: shrunk by mremap: 11
//#Stdout: brk is not in the way: 42
// Parts of the program's code that were never touched are unmapped, moved, and replaced by other things.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

FAR_PAGE(far);
FAR_PAGE(other);
enum { AROUND = 131072 - 4096 };
#define ALL (PROT_READ | PROT_WRITE | PROT_EXEC)
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static char *page(void) { return (char *)((uintptr_t)far & -4096); }

static const char returns_77[] = {0xb8, 77, 0, 0, 0, 0xc3};
static int call(void) { return ((int (*)(void))(uintptr_t)far)(); }
static int in_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(call());
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}
// Maps memory with a function of its own where the untouched page was.
static int something_else(int flags) {
    char *new = mmap(page(), 4096, ALL, ANONYMOUS | flags, -1, 0);
    if (new != page())
        return -errno;
    memcpy(new + ((uintptr_t)far & 4095), returns_77, sizeof returns_77);
    return call();
}
static int unmap(void) { return munmap(page(), 4096); }

static int unmapped(void) { return unmap() ? -errno : in_child(); }
static int unmapped_fixed(void) { return unmap() ? -errno : something_else(MAP_FIXED); }
static int unmapped_noreplace(void) { return unmap() ? -errno : something_else(MAP_FIXED_NOREPLACE); }
static int over(void) { return something_else(MAP_FIXED); }
static int noreplace(void) { return something_else(MAP_FIXED_NOREPLACE); }
static int hint(void) {
    char *new = mmap(page(), 4096, ALL, ANONYMOUS, -1, 0);
    return new == MAP_FAILED || new == page() ? -1 : call();
}
static int no_access(void) {
    return mmap(page(), 4096, PROT_NONE, ANONYMOUS | MAP_FIXED, -1, 0) != page() ? -errno : in_child();
}
static int zeros(void) {
    if (mmap(page(), 4096, PROT_READ, ANONYMOUS | MAP_FIXED, -1, 0) != page())
        return -errno;
    return *(volatile unsigned char *)far;
}

static char *moved(void) {
    char *there = mmap(NULL, 4096, PROT_NONE, ANONYMOUS, -1, 0);
    return mremap(page(), 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, there);
}
static char *function_in(char *new) { return new + ((uintptr_t)far & 4095); }
static int moved_called(void) {
    char *there = moved();
    return there == MAP_FAILED ? -errno : ((int (*)(void))function_in(there))();
}
static int moved_read(void) {
    char *there = moved();
    return there == MAP_FAILED ? -errno : *(volatile unsigned char *)function_in(there);
}
static int moved_back(void) {
    char *there = moved();
    if (there == MAP_FAILED || mremap(there, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, page()) != page())
        return -errno;
    return call();
}
static int moved_replaced(void) { return moved() == MAP_FAILED ? -errno : something_else(MAP_FIXED); }
static int moved_leaves(void) { return moved() == MAP_FAILED ? -errno : in_child(); }
static int copied(void) {
    // For private mappings the kernel refuses this.
    return mremap(page(), 0, 4096, MREMAP_MAYMOVE) == MAP_FAILED;
}
static int over_touched(void) {
    if (other() != 42)
        return -1;
    char *place = (char *)((uintptr_t)other & -4096);
    if (mremap(page(), 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, place) != place)
        return -errno;
    return ((int (*)(void))function_in(place))();
}
static int around(void) {
    return munmap(page() - AROUND, AROUND) || munmap(page() + 4096, AROUND) ? -errno : call();
}
static void *unmap_in_thread(void *unused) { return (void *)(long)unmap(); }
static int by_thread(void) {
    pthread_t thread;
    void *failed;
    if (pthread_create(&thread, NULL, unmap_in_thread, NULL) || pthread_join(thread, &failed) || failed)
        return -1;
    return something_else(MAP_FIXED_NOREPLACE);
}
static int by_syscall(void) {
    return syscall(SYS_munmap, page(), 4096l) ? -errno : something_else(MAP_FIXED_NOREPLACE);
}
static int by_file(void) {
    int file = memfd_create("code", 0);
    if (pwrite(file, returns_77, sizeof returns_77, (uintptr_t)far & 4095) < 0 || ftruncate(file, 4096))
        return -errno;
    if (mmap(page(), 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, 0) != page())
        return -errno;
    return call();
}
static int shrunk(void) {
    return mremap(page() - 4096, 8192, 4096, 0) == MAP_FAILED ? -errno : in_child();
}
static int grown_break(void) {
    char *old = sbrk(64 << 20);
    if (old == (char *)-1)
        return -errno;
    memset(old, 1, 64 << 20);
    return sbrk(-(64 << 20)) == (void *)-1 ? -errno : call();
}

static const struct check checks[] = {
    {"unmapped, then called", unmapped},
    {"unmapped, something else with MAP_FIXED", unmapped_fixed},
    {"unmapped, something else with MAP_FIXED_NOREPLACE", unmapped_noreplace},
    {"something else over it", over},
    {"MAP_FIXED_NOREPLACE over it", noreplace},
    {"a hint does not replace it", hint},
    {"memory without access over it", no_access},
    {"zeros over it are read", zeros},
    {"moved away, called there", moved_called},
    {"moved away, read there", moved_read},
    {"moved away and back", moved_back},
    {"moved away, something else in its place", moved_replaced},
    {"moved away leaves nothing", moved_leaves},
    {"copied by mremap of old size 0", copied},
    {"moved over touched code", over_touched},
    {"unmapped around it", around},
    {"unmapped from a thread", by_thread},
    {"unmapped by syscall", by_syscall},
    {"a file over it", by_file},
    {"shrunk by mremap", shrunk},
    {"brk is not in the way", grown_break},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
