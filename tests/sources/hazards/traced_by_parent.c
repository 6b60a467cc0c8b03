//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: peeked: 5
//#Stdout: peeked after exec: 5
//#Stdout: a breakpoint in untouched code: 5
//#Stdout: attached, peeked: 5
//#Stdout: seized, peeked: 5
//#Stdout: a child attaches to its parent: 5
//#Stdout: stops of a traced child: 1
//#KnownDifference: attached, peeked: -1000
//#KnownDifference: seized, peeked: -1000
//#KnownDifference: a child attaches to its parent: 251
//#KnownDifference: a child attaches to its parent: 24
//#KnownDifference: peeked after exec: -5
// One process traces another one of the same program, looks at code that was never touched, and sets breakpoints there.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

FAR_BYTES(far_text, ".ascii \"bytes...\"");
FAR_PAGE(far);

static int peek_at(pid_t process, const void *address) {
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, process, address, NULL);
    return errno ? -errno : memcmp(&word, "bytes", 5) ? -1000 : 5;
}
static int peek(pid_t process) { return peek_at(process, far_text); }

static pid_t start(char *argument) {
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        if (argument)
            execl("/proc/self/exe", "app", argument, NULL);
        raise(SIGSTOP);
        _exit(far());
    }
    waitpid(child, NULL, 0);
    return child;
}
static void end(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static int peeked(void) {
    pid_t child = start(NULL);
    int result = peek(child);
    end(child);
    return result;
}

// Executed anew, the program may lie elsewhere: it says where, and stops.
static int told[2];
static int peeked_after_exec(void) {
    if (pipe(told))
        return -1;
    char descriptor[12];
    snprintf(descriptor, sizeof descriptor, "-%d", told[1]);
    pid_t child = start(descriptor);
    int status = 0, signal = 0;
    do {
        ptrace(PTRACE_CONT, child, NULL, (void *)(long)signal);
        waitpid(child, &status, 0);
        signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
    } while (WIFSTOPPED(status) && signal != SIGSTOP);
    const void *there = NULL;
    int result = -status;
    if (WIFSTOPPED(status) && read(told[0], &there, sizeof there) == sizeof there)
        result = peek_at(child, there);
    end(child);
    return result;
}

static int breakpoint(void) {
    pid_t child = start(NULL);
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, child, (void *)far, NULL);
    if (errno || ptrace(PTRACE_POKETEXT, child, (void *)far, (void *)((word & -256) | 0xcc)))
        return end(child), -1;
    int status;
    ptrace(PTRACE_CONT, child, NULL, NULL);
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        return end(child), -status;
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, child, NULL, &registers);
    int right = registers.rip == (unsigned long)far + 1;
    registers.rip--;
    ptrace(PTRACE_POKETEXT, child, (void *)far, (void *)word);
    ptrace(PTRACE_SETREGS, child, NULL, &registers);
    ptrace(PTRACE_CONT, child, NULL, NULL);
    waitpid(child, &status, 0);
    return right && WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 5 : -status;
}

static int attached_to(pid_t process) {
    if (ptrace(PTRACE_ATTACH, process, NULL, NULL))
        return -errno;
    waitpid(process, NULL, 0);
    int result = peek(process);
    ptrace(PTRACE_DETACH, process, NULL, NULL);
    return result;
}
static int seized(pid_t process) {
    if (ptrace(PTRACE_SEIZE, process, NULL, NULL) || ptrace(PTRACE_INTERRUPT, process, NULL, NULL))
        return -errno;
    waitpid(process, NULL, 0);
    int result = peek(process);
    ptrace(PTRACE_DETACH, process, NULL, NULL);
    return result;
}
static int with_child(int (*look)(pid_t)) {
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    int result = look(child);
    end(child);
    return result;
}
static int attached(void) { return with_child(attached_to); }
static int seized_child(void) { return with_child(seized); }
static int attached_to_parent(void) {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    pid_t parent = getpid(), child = fork();
    if (child == 0)
        _exit(attached_to(parent) & 255);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WEXITSTATUS(status);
}

// A tracer that counts the stops of its child counts none for what the child did not do.
static int stops(void) {
    pid_t child = start(NULL);
    int status, count = 0, signal = 0;
    do {
        count++;
        ptrace(PTRACE_CONT, child, NULL, (void *)(long)signal);
        waitpid(child, &status, 0);
        signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
    } while (WIFSTOPPED(status));
    return count;
}

static const struct check checks[] = {
    {"peeked", peeked},
    {"peeked after exec", peeked_after_exec},
    {"a breakpoint in untouched code", breakpoint},
    {"attached, peeked", attached},
    {"seized, peeked", seized_child},
    {"a child attaches to its parent", attached_to_parent},
    {"stops of a traced child", stops},
};

int main(int argc, char **argv) {
    if (argc > 1 && argv[1][0] == '-') {
        const void *here = far_text;
        return write(-atoi(argv[1]), &here, sizeof here) < 0 || raise(SIGSTOP);
    }
    return run_checks(argc, argv, checks);
}
