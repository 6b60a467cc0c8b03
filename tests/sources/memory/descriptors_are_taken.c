//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: all descriptors in use: 42
//#Stdout: all descriptors in use, their limit raised before: 42
//#Stdout: all descriptors in use, lowered after: 42
//#Stdout: close_range of all: 42
//#Stdout: close_range by syscall: 42
//#Stdout: closefrom: 42
//#Stdout: each closed: 42
//#Stdout: something else at every number: 42
//#Stdout: close_range on exec, executed again: 42
//#Stdout: close_range in a table of its own: 42
//#Stdout: no descriptor is lost to the program: 1
//#Stdout: a high number is the program's: 1
// Descriptors: none is left, all are closed, and every number gets something else; then code that was never touched is called.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>

FAR_PAGE(far);
enum { MANY = 2048 };

static int limit_to(rlim_t number) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = number < limit.rlim_max ? number : limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit);
}
static int take_all(void) {
    int count = 0;
    while (dup(1) >= 0)
        count++;
    return count;
}
static int taken(void) { take_all(); return far(); }
static int taken_raised(void) { return limit_to(MANY) ? -errno : (take_all(), far()); }
static int taken_lowered(void) { take_all(); return limit_to(3) ? -errno : far(); }
static int range(void) {
    // Older kernels do not have it.
    return close_range(3, ~0u, 0) && errno != ENOSYS ? -errno : far();
}
static int range_by_syscall(void) {
    return syscall(SYS_close_range, 3l, (long)~0u, 0l) && errno != ENOSYS ? -errno : far();
}
static int from(void) { closefrom(3); return far(); }
static int one_by_one(void) {
    for (int i = 3; i < 65536; i++)
        close(i);
    return far();
}
static int replaced(void) {
    int nothing = open("/dev/null", O_RDWR);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned i = 3; i < limit.rlim_cur && i < 65536; i++)
        dup2(nothing, i);
    return far();
}
static int on_exec(void) {
    syscall(SYS_close_range, 3l, (long)~0u, (long)CLOSE_RANGE_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "app", "-", NULL);
        _exit(99);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}
static int own_table(void) {
    syscall(SYS_close_range, 3l, (long)~0u, (long)CLOSE_RANGE_UNSHARE);
    return far();
}
// Those that are open at the start come from who started the program: three, and perhaps more.
static int none_lost(void) {
    closefrom(3);
    return limit_to(100) ? -errno : take_all() == 97;
}
static int high(void) {
    limit_to(MANY);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    int last = limit.rlim_cur - 1;
    // As a shell does that keeps its script at a high number.
    if (fcntl(1, F_DUPFD, last) != last || close(last))
        return -errno;
    return far() == 42;
}

static const struct check checks[] = {
    {"all descriptors in use", taken},
    {"all descriptors in use, their limit raised before", taken_raised},
    {"all descriptors in use, lowered after", taken_lowered},
    {"close_range of all", range},
    {"close_range by syscall", range_by_syscall},
    {"closefrom", from},
    {"each closed", one_by_one},
    {"something else at every number", replaced},
    {"close_range on exec, executed again", on_exec},
    {"close_range in a table of its own", own_table},
    {"no descriptor is lost to the program", none_lost},
    {"a high number is the program's", high},
};

int main(int argc, char **argv) {
    if (argc > 1 && argv[1][0] == '-')
        return far();
    return run_checks(argc, argv, checks);
}
