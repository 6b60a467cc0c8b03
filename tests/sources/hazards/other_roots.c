//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: unshare of all: 42
//#Stdout: unshare of files: 42
//#Stdout: chroot to an empty folder: 42
//#Stdout: pivot_root to an empty file system: 42
//#Stdout: /proc is not there: 42
//#Stdout: setns to a child's namespaces: 42
//#Stdout: chdir: 42
//#Stdout: without privileges: 42
//#Stdout: without privileges, in the child of a fork: 42
//#Stdout: a session of its own: 42
//#Stdout: by syscall: 42
// The process leaves the file system, the user and the namespaces in which it began, and calls code that was
// never touched. What it is not allowed to do it leaves out.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

FAR_PAGE(far);

// A single-threaded process may have namespaces of its own; a process of several threads may not.
static int namespaces(int flags) {
    if (unshare(CLONE_NEWUSER | flags))
        return errno == EINVAL ? -EINVAL : 0;
    return 0;
}
static int all(void) {
    int failed = namespaces(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);
    return failed ? failed : far();
}
static int files(void) { return unshare(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM) ? -errno : far(); }
static int root(void) {
    char folder[40] = "/tmp/unfold-root-XXXXXX";
    if (namespaces(CLONE_NEWNS) || !mkdtemp(folder))
        return -1;
    int kept = open("/tmp", O_RDONLY);
    int result = (!chdir(folder) && !chroot(".")) || errno == EPERM ? far() : -errno;
    unlinkat(kept, strrchr(folder, '/') + 1, AT_REMOVEDIR);
    return result;
}
static int pivot(void) {
    char folder[40] = "/tmp/unfold-root-XXXXXX";
    if (namespaces(CLONE_NEWNS) || !mkdtemp(folder))
        return -1;
    int kept = open("/tmp", O_RDONLY);
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    int moved = !mount("empty", folder, "tmpfs", 0, NULL) && !chdir(folder) && !syscall(SYS_pivot_root, ".", ".") &&
                !umount2(".", MNT_DETACH);
    int result = moved || errno == EPERM || errno == EINVAL ? far() : -errno;
    unlinkat(kept, strrchr(folder, '/') + 1, AT_REMOVEDIR);
    return result;
}
static int no_proc(void) {
    if (namespaces(CLONE_NEWNS))
        return -1;
    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
    mount("empty", "/proc", "tmpfs", 0, NULL);
    return far();
}
static int others(void) {
    int ready[2];
    char byte = 0, path[40];
    if (pipe(ready))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        byte = unshare(CLONE_NEWUTS) ? 'n' : 'y';
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    snprintf(path, sizeof path, "/proc/%d/ns/uts", child);
    int result = -1;
    if (read(ready[0], &byte, 1) == 1) {
        int names = open(path, O_RDONLY);
        result = byte == 'n' || !setns(names, CLONE_NEWUTS) ? far() : -errno;
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return result;
}
static int elsewhere(void) { return chdir("/") ? -errno : far(); }
static int drop(void) { return getuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)); }
static int dropped(void) { return drop() ? -errno : far(); }
static int dropped_in_child(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(drop() ? errno : far());
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}
static int session(void) {
    setsid();
    umask(0777);
    return far();
}
static int by_syscall(void) {
    return syscall(SYS_unshare, (long)CLONE_NEWUSER) && errno == EINVAL ? -errno : far();
}

static const struct check checks[] = {
    {"unshare of all", all},
    {"unshare of files", files},
    {"chroot to an empty folder", root},
    {"pivot_root to an empty file system", pivot},
    {"/proc is not there", no_proc},
    {"setns to a child's namespaces", others},
    {"chdir", elsewhere},
    {"without privileges", dropped},
    {"without privileges, in the child of a fork", dropped_in_child},
    {"a session of its own", session},
    {"by syscall", by_syscall},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
