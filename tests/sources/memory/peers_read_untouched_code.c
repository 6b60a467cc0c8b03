//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: process_vm_readv of itself: 5
//#Stdout: process_vm_readv of a child: 5
//#Stdout: process_vm_readv of the parent: 5
//#Stdout: process_vm_writev into a child reads code: 5
//#Stdout: /proc/self/mem: 5
//#Stdout: /proc/PID/mem of itself: 5
//#Stdout: mem in an open folder: 5
//#Stdout: mem by fopen: 5
//#Stdout: mem by a relative path: 5
//#Stdout: mem of a thread: 5
//#Stdout: mem of a child: 5
//#Stdout: mem of the parent: 5
//#Stdout: mem opened before, read later: 5
//#Stdout: mem opened by a child for its parent: 5
//#Stdout: without privileges, process_vm_readv of the parent: 5
//#Stdout: without privileges, /proc/self/mem: 5
//#Stdout: without privileges, mem of the parent: 5
//#KnownDifference: process_vm_readv of a child: -14
//#KnownDifference: process_vm_readv of the parent: 242
//#KnownDifference: process_vm_writev into a child reads code: -14
//#KnownDifference: mem of a child: -1000
//#KnownDifference: mem of the parent: 251
//#KnownDifference: mem of the parent: 24
// Processes read, by the ways that the kernel has for it, code that was never touched: their own, their child's,
// their parent's.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

FAR_BYTES(far_text, ".ascii \"bytes\"");

static int is_right(const char *buffer, long count) {
    return count < 0 ? -errno : count == 5 && !memcmp(buffer, "bytes", 5) ? 5 : -1000;
}

static int vm_read(pid_t process) {
    char buffer[5] = "";
    struct iovec local = {buffer, 5}, remote = {(void *)far_text, 5};
    return is_right(buffer, process_vm_readv(process, &local, 1, &remote, 1, 0));
}

static int read_at(int file) {
    char buffer[5] = "";
    if (file < 0)
        return -errno;
    return is_right(buffer, pread(file, buffer, 5, (off_t)far_text));
}

static int mem_of(pid_t process) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/mem", process);
    return read_at(open(path, O_RDONLY));
}

// Runs `look` here with a child that waits, or in a child with this process.
static int in_child(int (*look)(pid_t)) {
    // Not every system lets a child look at its parent without this.
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        _exit(look(parent) & 255);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}
static int at_child(int (*look)(pid_t)) {
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    int result = look(child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return result;
}

static char into[5];
static int vm_write(pid_t process) {
    struct iovec local = {(void *)far_text, 5}, remote = {into, 5}, back = {into, 5};
    if (process_vm_writev(process, &local, 1, &remote, 1, 0) != 5)
        return -errno;
    process_vm_readv(process, &back, 1, &remote, 1, 0);
    return is_right(into, 5);
}

static int of_itself(void) { return vm_read(getpid()); }
static int of_child(void) { return at_child(vm_read); }
static int of_parent(void) { return in_child(vm_read); }
static int into_child(void) { return at_child(vm_write); }
static int mem_self(void) { return read_at(open("/proc/self/mem", O_RDWR)); }
static int mem_self_by_id(void) { return mem_of(getpid()); }
static int mem_at(void) { return read_at(openat(open("/proc/self", O_RDONLY | O_DIRECTORY), "mem", O_RDONLY)); }
static int mem_by_stream(void) {
    char buffer[5] = "";
    FILE *file = fopen("/proc/self/mem", "r");
    setvbuf(file, NULL, _IONBF, 0);
    fseeko(file, (off_t)far_text, SEEK_SET);
    return is_right(buffer, fread(buffer, 1, 5, file));
}
static int mem_relative(void) { return chdir("/proc/self") ? -1 : read_at(open("./mem", O_RDONLY)); }
static int mem_of_thread(void) { return read_at(open("/proc/thread-self/mem", O_RDONLY)); }
static int mem_of_child(void) { return at_child(mem_of); }
static int mem_of_parent(void) { return in_child(mem_of); }
static int opened_before;
static int read_opened(pid_t process) { return read_at(opened_before); }
static int mem_opened_before(void) {
    opened_before = syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDONLY);
    return read_opened(0);
}
static int mem_opened_then_fork(void) {
    opened_before = open("/proc/self/mem", O_RDONLY);
    return in_child(read_opened);
}

static void drop_privileges(void) {
    if (getuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
        _exit(98);
    // A process that changes its user may not be looked at, unless it says so.
    prctl(PR_SET_DUMPABLE, 1);
}
static int dropped_of_parent(void) { drop_privileges(); return of_parent(); }
static int dropped_mem_self(void) { drop_privileges(); return mem_self(); }
static int dropped_mem_of_parent(void) { drop_privileges(); return mem_of_parent(); }

static const struct check checks[] = {
    {"process_vm_readv of itself", of_itself},
    {"process_vm_readv of a child", of_child},
    {"process_vm_readv of the parent", of_parent},
    {"process_vm_writev into a child reads code", into_child},
    {"/proc/self/mem", mem_self},
    {"/proc/PID/mem of itself", mem_self_by_id},
    {"mem in an open folder", mem_at},
    {"mem by fopen", mem_by_stream},
    {"mem by a relative path", mem_relative},
    {"mem of a thread", mem_of_thread},
    {"mem of a child", mem_of_child},
    {"mem of the parent", mem_of_parent},
    {"mem opened before, read later", mem_opened_before},
    {"mem opened by a child for its parent", mem_opened_then_fork},
    {"without privileges, process_vm_readv of the parent", dropped_of_parent},
    {"without privileges, /proc/self/mem", dropped_mem_self},
    {"without privileges, mem of the parent", dropped_mem_of_parent},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
