//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: no new executable memory: 42
//#Stdout: no new executable memory, in the child of a fork: 42
//#Stdout: not dumpable: 42
//#Stdout: not dumpable, without privileges: 42
//#Stdout: its name is its own: 1
//#Stdout: its name is changed: 1
//#Stdout: no huge pages: 42
//#Stdout: no time stamp counter: 42
//#Stdout: system calls are dispatched: 42
//#Stdout: no child: 10
//#Stdout: its processor is chosen: 42
//#Stdout: idle scheduling: 42
//#Stdout: executed without randomisation: 42
//#Stdout: executed where reading means executing: 42
//#Stdout: executed with the old layout: 42
//#Stdout: executed with a stack without limit: 42
//#Stdout: executed from a file in memory: 42
//#Stdout: executed from a file without a name: 42
// Attributes of the process that change what the kernel allows, set before code that was never touched is called.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

FAR_PAGE(far);
enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1, SYSCALL_USER_DISPATCH = 59 };

static int result_of(pid_t child) {
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}
static int no_gain(void) {
    // Older kernels do not know it.
    prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0);
    return far();
}
static int no_gain_child(void) {
    prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0);
    pid_t child = fork();
    if (child == 0)
        _exit(far());
    return result_of(child);
}
static int not_dumpable(void) { return prctl(PR_SET_DUMPABLE, 0) ? -errno : far(); }
static int dropped(void) {
    if (getuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
        return -errno;
    return far();
}
static int name(void) {
    char name[17] = "", of_thread[17] = "";
    FILE *file = fopen("/proc/self/comm", "r");
    // Executed through /proc/self/exe, a process is called after that.
    return file && fgets(of_thread, sizeof of_thread, file) && !prctl(PR_GET_NAME, name) && !strcmp(name, "exe") &&
           !strncmp(of_thread, name, strlen(name));
}
static int renamed(void) {
    char name[17] = "";
    return !prctl(PR_SET_NAME, "another") && far() == 42 && !prctl(PR_GET_NAME, name) && !strcmp(name, "another");
}
static int no_huge(void) { return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) ? -errno : far(); }
static int no_counter(void) { return prctl(PR_SET_TSC, PR_TSC_SIGSEGV) ? -errno : far(); }

static volatile char dispatch;
static void on_system_call(int signal) { dispatch = 0; }
// As Wine does it: system calls of code that is not the program's become signals.
static int dispatched(void) {
    signal(SIGSYS, on_system_call);
    dispatch = 0;
    if (prctl(SYSCALL_USER_DISPATCH, 1, 0, 0, &dispatch))
        return far();
    dispatch = 1;
    int result = far();
    int undisturbed = dispatch;
    dispatch = 0;
    return undisturbed ? result : -1;
}
static int no_child(void) { return waitpid(-1, NULL, 0) < 0 ? errno : -1; }
static int on_processor(void) {
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    return sched_setaffinity(0, sizeof set, &set) ? -errno : far();
}
static int idle(void) {
    struct sched_param nothing = {0};
    return sched_setscheduler(0, SCHED_IDLE, &nothing) ? -errno : far();
}
static int again(void) {
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "app", "-", NULL);
        _exit(99);
    }
    return result_of(child);
}
static int with(unsigned long attribute) { return personality(attribute) < 0 ? -errno : again(); }
static int not_random(void) { return with(ADDR_NO_RANDOMIZE); }
static int reading_executes(void) { return with(READ_IMPLIES_EXEC); }
static int old_layout(void) { return with(ADDR_COMPAT_LAYOUT); }
static int much_stack(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_STACK, &limit);
    return again();
}
static int copy_into(int file) {
    int self = open("/proc/self/exe", O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(self, &status))
        return -1;
    while (sendfile(file, self, NULL, status.st_size) > 0)
        ;
    return fchmod(file, 0700);
}
static int run_file(int file) {
    pid_t child = fork();
    if (child == 0) {
        char *words[] = {"app", "-", NULL};
        fexecve(file, words, environ);
        _exit(errno);
    }
    return result_of(child);
}
static int from_memory(void) {
    int file = memfd_create("app", MFD_CLOEXEC);
    return copy_into(file) ? -errno : run_file(file);
}
static int without_name(void) {
    char path[] = "/tmp/unfold-app-XXXXXX", reopened[40];
    int file = mkstemp(path);
    if (copy_into(file))
        return -errno;
    snprintf(reopened, sizeof reopened, "/proc/self/fd/%d", file);
    int readable = open(reopened, O_RDONLY | O_CLOEXEC);
    unlink(path);
    close(file); // what is open for writing cannot be executed
    return run_file(readable);
}

static const struct check checks[] = {
    {"no new executable memory", no_gain},
    {"no new executable memory, in the child of a fork", no_gain_child},
    {"not dumpable", not_dumpable},
    {"not dumpable, without privileges", dropped},
    {"its name is its own", name},
    {"its name is changed", renamed},
    {"no huge pages", no_huge},
    {"no time stamp counter", no_counter},
    {"system calls are dispatched", dispatched},
    {"no child", no_child},
    {"its processor is chosen", on_processor},
    {"idle scheduling", idle},
    {"executed without randomisation", not_random},
    {"executed where reading means executing", reading_executes},
    {"executed with the old layout", old_layout},
    {"executed with a stack without limit", much_stack},
    {"executed from a file in memory", from_memory},
    {"executed from a file without a name", without_name},
};

int main(int argc, char **argv) {
    if (argc > 1 && argv[1][0] == '-')
        return far();
    return run_checks(argc, argv, checks);
}
