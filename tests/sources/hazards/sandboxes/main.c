//#Flags: -O1 -pthread
//#LinkFlags: -pthread
//#Modes: pie nopie
//#Shared: libsandbox.so = lib.c
//#Stdout: strict mode by prctl: 42
//#Stdout: strict mode by syscall: 42
//#Stdout: killing, by prctl: 42
//#Stdout: killing, by syscall of prctl: 42
//#Stdout: killing, by syscall of seccomp: 42
//#Stdout: killing, by a library: 42
//#Stdout: refusing, by prctl: 42
//#Stdout: trapping, by prctl: 42
//#Stdout: trapped calls go to untouched code: 42
//#Stdout: for all threads: 42
//#Stdout: by a thread for itself: 42
//#Stdout: by a thread for all others: 42
//#Stdout: before a fork: 42
//#Stdout: twice: 42
//#Stdout: refusing all that maps memory: 42
//#Stdout: an exception passes through: 42
// Sandboxes that allow little more than output and the end, and then run code that was never touched.
#define _GNU_SOURCE
#include "../../../fixtures/far.h"
#include "../../../fixtures/each.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unwind.h>

int sandbox_by_library(struct sock_fprog *program);
FAR_PAGE(far);

#define ALLOW(number) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define LITTLE(otherwise)                                                                              \
    static struct sock_filter otherwise##_filter[] = {                                                 \
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),                         \
        ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_exit), ALLOW(SYS_exit_group), ALLOW(SYS_rt_sigreturn), \
        ALLOW(SYS_futex), ALLOW(SYS_seccomp),                                                          \
        BPF_STMT(BPF_RET | BPF_K, otherwise),                                                          \
    };                                                                                                 \
    static struct sock_fprog otherwise##_program = {                                                   \
        sizeof otherwise##_filter / sizeof(struct sock_filter), otherwise##_filter}

enum { REFUSE = SECCOMP_RET_ERRNO | ENOSYS, KILL = SECCOMP_RET_KILL_PROCESS, TRAP = SECCOMP_RET_TRAP };
LITTLE(REFUSE);
LITTLE(KILL);
LITTLE(TRAP);

// Says it by the only calls that are left, and ends.
static int end(const char *name, int value) {
    char text[100];
    int length = snprintf(text, sizeof text, "%s: %d\n", name, value);
    length = write(1, text, length);
    syscall(SYS_exit, 0l);
    return length;
}
static int set(struct sock_fprog *program) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program);
}

static int strict(void) {
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) ? -errno : end("strict mode by prctl", far());
}
static int strict_by_syscall(void) {
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0l, 0l) ? -errno : end("strict mode by syscall", far());
}
static int killing(void) { return set(&KILL_program) ? -errno : end("killing, by prctl", far()); }
static int killing_by_syscall_of_prctl(void) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &KILL_program, 0, 0))
        return -errno;
    return end("killing, by syscall of prctl", far());
}
static int by_seccomp(struct sock_fprog *program, long flags) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
}
static int killing_by_seccomp(void) {
    return by_seccomp(&KILL_program, 0) ? -errno : end("killing, by syscall of seccomp", far());
}
static int killing_by_library(void) {
    return sandbox_by_library(&KILL_program) ? -errno : end("killing, by a library", far());
}
static int refusing(void) { return set(&REFUSE_program) ? -errno : end("refusing, by prctl", far()); }
static int trapping(void) { return set(&TRAP_program) ? -errno : end("trapping, by prctl", far()); }

static volatile int trapped;
FAR_FUNCTION(far_add, 41)
static void on_trap(int signal) { trapped = far_add(1); }
static int handled_trap(void) {
    signal(SIGSYS, on_trap);
    if (set(&TRAP_program))
        return -errno;
    syscall(SYS_getppid);
    return end("trapped calls go to untouched code", trapped);
}

// A thread that waits on a pipe, and then calls what was never touched.
static int go[2], done[2];
static void *waiting(void *unused) {
    int value = 0;
    // Its start takes system calls of libc.
    if (write(done[1], &value, sizeof value) != sizeof value)
        return NULL;
    if (read(go[0], &value, sizeof value) == sizeof value) {
        value = far();
        value = write(done[1], &value, sizeof value);
    }
    syscall(SYS_exit, 0l);
    return NULL;
}
static int other_thread(void) {
    int value = 0;
    if (write(go[1], &value, sizeof value) != sizeof value || read(done[0], &value, sizeof value) != sizeof value)
        return -1;
    return value;
}
static int all_threads(void) {
    pthread_t thread;
    int ready;
    if (pipe(go) || pipe(done) || pthread_create(&thread, NULL, waiting, NULL) ||
        read(done[0], &ready, sizeof ready) != sizeof ready)
        return -1;
    if (by_seccomp(&KILL_program, SECCOMP_FILTER_FLAG_TSYNC))
        return -errno;
    int value = other_thread();
    end("for all threads", value);
    return 0;
}
static void *sandboxed(void *unused) {
    int value = set(&KILL_program) ? -errno : far();
    value = write(done[1], &value, sizeof value);
    syscall(SYS_exit, 0l);
    return NULL;
}
static int by_thread(void) {
    pthread_t thread;
    int value = 0;
    if (pipe(done) || pthread_create(&thread, NULL, sandboxed, NULL) ||
        read(done[0], &value, sizeof value) != sizeof value)
        return -1;
    return value;
}
static void *sandboxing(void *unused) {
    int value;
    if (read(go[0], &value, sizeof value) != sizeof value)
        return NULL;
    value = by_seccomp(&KILL_program, SECCOMP_FILTER_FLAG_TSYNC);
    value = write(done[1], &value, sizeof value);
    syscall(SYS_exit, 0l);
    return NULL;
}
static int by_thread_for_all(void) {
    pthread_t thread;
    int value = -1;
    if (pipe(go) || pipe(done) || pthread_create(&thread, NULL, sandboxing, NULL) ||
        write(go[1], &value, sizeof value) != sizeof value ||
        read(done[0], &value, sizeof value) != sizeof value || value)
        return -1;
    end("by a thread for all others", far());
    return 0;
}
static int before_fork(void) {
    int ends[2];
    if (pipe(ends))
        return -1;
    if (fork() == 0) {
        int value = set(&KILL_program) ? -errno : far();
        value = write(ends[1], &value, sizeof value);
        syscall(SYS_exit, 0l);
    }
    close(ends[1]);
    int value = 0;
    return read(ends[0], &value, sizeof value) == sizeof value ? value : -1;
}
static int twice(void) {
    if (by_seccomp(&REFUSE_program, 0) || by_seccomp(&KILL_program, 0))
        return -errno;
    end("twice", far());
    return 0;
}
static int without_maps(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 4, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 2, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, REFUSE),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return set(&program) ? -errno : far();
}
static _Unwind_Reason_Code count(struct _Unwind_Context *context, void *frames) {
    ++*(int *)frames;
    return _URC_NO_REASON;
}
__attribute__((noinline)) static int unwound(int x) {
    int frames = 0;
    FAR(x);
    _Unwind_Backtrace(count, &frames);
    FAR(x);
    return frames > 2 ? far_add(x) : -frames;
}
static int exception(void) {
    // The tables of unwinding are there before; what they say of this code was never looked at.
    int frames = 0;
    _Unwind_Backtrace(count, &frames);
    if (set(&REFUSE_program))
        return -errno;
    return end("an exception passes through", unwound(1));
}

static const struct check checks[] = {
    {"strict mode by prctl", strict},
    {"strict mode by syscall", strict_by_syscall},
    {"killing, by prctl", killing},
    {"killing, by syscall of prctl", killing_by_syscall_of_prctl},
    {"killing, by syscall of seccomp", killing_by_seccomp},
    {"killing, by a library", killing_by_library},
    {"refusing, by prctl", refusing},
    {"trapping, by prctl", trapping},
    {"trapped calls go to untouched code", handled_trap},
    {"for all threads", all_threads},
    {"by a thread for itself", by_thread},
    {"by a thread for all others", by_thread_for_all},
    {"before a fork", before_fork},
    {"twice", twice},
    {"refusing all that maps memory", without_maps},
    {"an exception passes through", exception},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
