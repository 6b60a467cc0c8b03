//#Flags: -O1 -pthread
//#LinkFlags: -pthread
//#Modes: pie nopie static
//#Stdout: RLIMIT_AS of what is there: 42
//#Stdout: RLIMIT_AS of nothing: 42
//#Stdout: RLIMIT_DATA: 42
//#Stdout: RLIMIT_FSIZE: 42
//#Stdout: RLIMIT_NOFILE of nothing: 42
//#Stdout: RLIMIT_NOFILE of nothing, then as before: 42
//#Stdout: RLIMIT_STACK: 42
//#Stdout: RLIMIT_MEMLOCK: 42
//#Stdout: RLIMIT_NPROC: 42
//#Stdout: RLIMIT_SIGPENDING: 42
//#Stdout: RLIMIT_CORE: 42
//#Stdout: RLIMIT_RTPRIO and RLIMIT_NICE: 42
//#Stdout: all of them: 42
//#Stdout: by prlimit from the parent: 42
//#Stdout: in another thread: 42
//#Stdout: in the child of a fork: 42
//#Stdout: a stack without limit, executed again: 42
//#KnownDifference: by prlimit from the parent: -6
// The process gives itself less than it has, and then calls code that was never touched.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

FAR_PAGE(far);

static int call_after(int resource, rlim_t value) {
    struct rlimit limit;
    getrlimit(resource, &limit);
    limit.rlim_cur = value;
    return setrlimit(resource, &limit) ? -errno : far();
}

static int address_space_of_now(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld", &pages) != 1)
        return -1;
    return call_after(RLIMIT_AS, pages * 4096);
}
static int address_space(void) { return call_after(RLIMIT_AS, 4096); }
static int data(void) { return call_after(RLIMIT_DATA, 4096); }
static int file_size(void) { return call_after(RLIMIT_FSIZE, 0); }
static int files(void) { return call_after(RLIMIT_NOFILE, 0); }
static int files_and_back(void) {
    struct rlimit before, less;
    getrlimit(RLIMIT_NOFILE, &before);
    less = before;
    less.rlim_cur = 0;
    return setrlimit(RLIMIT_NOFILE, &less) || setrlimit(RLIMIT_NOFILE, &before) ? -errno : far();
}
static int stack(void) { return call_after(RLIMIT_STACK, 65536); }
static int locked(void) { return call_after(RLIMIT_MEMLOCK, 0); }
static int processes(void) { return call_after(RLIMIT_NPROC, 0); }
static int pending(void) { return call_after(RLIMIT_SIGPENDING, 0); }
static int core(void) { return call_after(RLIMIT_CORE, 0); }
static int priorities(void) { return call_after(RLIMIT_NICE, 0) == 42 ? call_after(RLIMIT_RTPRIO, 0) : -1; }
static void lower_all(void) {
    static const int resources[] = {RLIMIT_AS, RLIMIT_DATA, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_NPROC,
                                    RLIMIT_SIGPENDING};
    struct rlimit nothing = {0, 0};
    for (unsigned i = 0; i < sizeof resources / sizeof *resources; i++)
        setrlimit(resources[i], &nothing);
}
static int all(void) {
    lower_all();
    int result = far();
    // Without a buffer: there is no memory for one.
    dprintf(1, "all of them: %d\n", result);
    _exit(0);
}
static int result_of(pid_t child) {
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
static int by_parent(void) {
    int ready[2], go[2];
    char byte = 0;
    if (pipe(ready) || pipe(go))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), 2); // where the loader says why it ends
        if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
            _exit(1);
        _exit(far());
    }
    struct rlimit nothing = {0, 0};
    if (read(ready[0], &byte, 1) != 1 || prlimit(child, RLIMIT_AS, &nothing, NULL) ||
        prlimit(child, RLIMIT_FSIZE, &nothing, NULL) || prlimit(child, RLIMIT_NOFILE, &nothing, NULL) ||
        write(go[1], &byte, 1) != 1)
        return -errno;
    return result_of(child);
}
static void *thread(void *unused) { lower_all(); return (void *)(long)far(); }
static int in_thread(void) {
    pthread_t id;
    void *result = NULL;
    if (pthread_create(&id, NULL, thread, NULL))
        return -1;
    pthread_join(id, &result);
    dprintf(1, "in another thread: %d\n", (int)(long)result);
    _exit(0);
}
static int in_child(void) {
    pid_t child = fork();
    if (child == 0) {
        lower_all();
        _exit(far());
    }
    return result_of(child);
}
static int unlimited_stack(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_STACK, &limit);
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "app", "-", NULL);
        _exit(99);
    }
    return result_of(child);
}

static const struct check checks[] = {
    {"RLIMIT_AS of what is there", address_space_of_now},
    {"RLIMIT_AS of nothing", address_space},
    {"RLIMIT_DATA", data},
    {"RLIMIT_FSIZE", file_size},
    {"RLIMIT_NOFILE of nothing", files},
    {"RLIMIT_NOFILE of nothing, then as before", files_and_back},
    {"RLIMIT_STACK", stack},
    {"RLIMIT_MEMLOCK", locked},
    {"RLIMIT_NPROC", processes},
    {"RLIMIT_SIGPENDING", pending},
    {"RLIMIT_CORE", core},
    {"RLIMIT_RTPRIO and RLIMIT_NICE", priorities},
    {"all of them", all},
    {"by prlimit from the parent", by_parent},
    {"in another thread", in_thread},
    {"in the child of a fork", in_child},
    {"a stack without limit, executed again", unlimited_stack},
};

int main(int argc, char **argv) {
    if (argc > 1 && argv[1][0] == '-')
        return far();
    return run_checks(argc, argv, checks);
}
