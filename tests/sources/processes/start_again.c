//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: by /proc/self/exe: yes
//#Stdout: by its name: yes
//#Stdout: by its path: yes
//#Stdout: by a search: yes
//#Stdout: fexecve: yes
//#Stdout: execveat of a descriptor: yes
//#Stdout: execveat of a name: yes
//#Stdout: by a symbolic link: yes
//#Stdout: without an environment: yes
//#Stdout: ten times: yes
//#Stdout: in the same process: yes
//#Stdout: after fork: yes
//#Stdout: after vfork: yes
//#Stdout: a vfork whose exec fails: yes
//#Stdout: posix_spawn with file actions: yes
//#Stdout: a posix_spawn that fails: yes
//#Stdout: posix_spawn in a group of its own: yes
//#Stdout: system: yes
//#Stdout: popen: yes
//#Stdout: wordexp: yes
//#Stdout: clone with shared memory, then exec: yes
// A program starts itself, in every way in which a program can be started, and others.
#define _GNU_SOURCE
#include "cases.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <wordexp.h>

extern char **environ;
static int again(void) { return case_argc > 0; }
static int is_again(void) { return case_argc == 1 && strcmp(case_argv[0], "again") == 0 && untouched(1) == 2; }

static char *name;
static char **words(void) {
    static char *list[4];
    list[0] = "app", list[1] = name, list[2] = "again";
    return list;
}
static int by_link(void) {
    if (again())
        return is_again();
    execv("/proc/self/exe", words());
    return 0;
}
static int by_name(void) {
    if (again())
        return is_again();
    // What the kernel has started it by, in the directory in which it was started.
    execv("./app", words());
    return 0;
}
static int by_path(void) {
    if (again())
        return is_again();
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    execve(path, words(), environ);
    return 0;
}
static int by_search(void) {
    if (again())
        return is_again();
    char path[4096 + 10];
    snprintf(path, sizeof path, "%s:/bin:/usr/bin", getcwd((char[4096]){}, 4096));
    setenv("PATH", path, 1);
    execvp("app", words());
    return 0;
}
static int by_descriptor(void) {
    if (again())
        return is_again();
    fexecve(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), words(), environ);
    return 0;
}
static int by_execveat(void) {
    if (again())
        return is_again();
    int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    syscall(SYS_execveat, fd, "", words(), environ, AT_EMPTY_PATH);
    return 0;
}
static int by_execveat_of_a_name(void) {
    if (again())
        return is_again();
    int fd = open(".", O_PATH | O_CLOEXEC);
    syscall(SYS_execveat, fd, "app", words(), environ, 0);
    return 0;
}
static int by_symbolic_link(void) {
    if (again())
        return unlink("linked") == 0 && is_again();
    unlink("linked");
    if (symlink("app", "linked"))
        return 0;
    execv("./linked", words());
    return 0;
}
static int without_environment(void) {
    if (again())
        return environ[0] == NULL && is_again();
    execve("/proc/self/exe", words(), (char *[]){NULL});
    return 0;
}
static int often(void) {
    if (!again()) {
        execl("/proc/self/exe", "app", name, "xxxxxxxxxx", NULL);
        return 0;
    }
    if (case_argv[0][0] == 0)
        return untouched(1) == 2;
    execl("/proc/self/exe", "app", name, case_argv[0] + 1, NULL);
    return 0;
}
static int in_the_same_process(void) {
    if (again())
        return atoi(case_argv[0]) == getpid() && untouched(1) == 2;
    char text[20];
    sprintf(text, "%d", getpid());
    execl("/proc/self/exe", "app", name, text, NULL);
    return 0;
}
static int ended_well(pid_t pid) {
    int status;
    return waitpid(pid, &status, 0) == pid && status == 0;
}
static int after_fork(void) {
    if (again())
        return is_again();
    pid_t pid = fork();
    if (pid == 0)
        return by_link();
    return ended_well(pid) && untouched(1) == 2;
}
static int after_vfork(void) {
    if (again())
        return is_again();
    char **list = words();
    pid_t pid = vfork();
    if (pid == 0) {
        execv("/proc/self/exe", list);
        _exit(untouched(1));
    }
    return ended_well(pid) && untouched(1) == 2;
}
static int vfork_that_fails(void) {
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        execv("/does/not/exist", words());
        _exit(untouched(8));
    }
    return waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 9;
}
static int spawned_with_actions(void) {
    if (again()) {
        char text[10] = "";
        return read(0, text, 5) == 5 && strcmp(text, "input") == 0 && write(1, "output", 6) == 6 &&
               fcntl(77, F_GETFD) >= 0 && is_again();
    }
    posix_spawn_file_actions_t actions;
    int in[2], out[2];
    char text[10] = "";
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || write(in[1], "input", 5) != 5)
        return 0;
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 77, "/", O_RDONLY, 0);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    return posix_spawn(&pid, "/proc/self/exe", &actions, NULL, words(), environ) == 0 && ended_well(pid) &&
           read(out[0], text, 6) == 6 && strcmp(text, "output") == 0 && untouched(1) == 2;
}
static int spawned_that_fails(void) {
    pid_t pid;
    return posix_spawn(&pid, "/does/not/exist", NULL, NULL, words(), environ) == ENOENT && untouched(1) == 2;
}
static int spawned_group(void) {
    if (again())
        return getpgid(0) == getpid() && is_again();
    posix_spawnattr_t attributes;
    pid_t pid;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_RESETIDS);
    return posix_spawn(&pid, "/proc/self/exe", NULL, &attributes, words(), environ) == 0 && ended_well(pid);
}
static int by_system(void) {
    if (again())
        return is_again();
    char command[100];
    sprintf(command, "./app %s again && exit 5", name);
    return WEXITSTATUS(system(command)) == 5 && untouched(1) == 2;
}
static int by_popen(void) {
    if (again())
        return puts("from the child") > 0 && is_again();
    char command[100], line[100] = "";
    sprintf(command, "./app %s again | cat", name);
    FILE *pipe = popen(command, "r");
    return fgets(line, sizeof line, pipe) && pclose(pipe) == 0 && strcmp(line, "from the child\n") == 0;
}
static int by_wordexp(void) {
    wordexp_t words;
    return wordexp("$(echo one two) three", &words, 0) == 0 && words.we_wordc == 3 &&
           strcmp(words.we_wordv[1], "two") == 0 && untouched(1) == 2;
}
static int body_of_clone(void *list) { return execv("/proc/self/exe", list); }
static int exec_from_shared_memory(void) {
    static char stack[65536] __attribute__((aligned(16)));
    if (again())
        return is_again();
    pid_t pid = clone(body_of_clone, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, words());
    return ended_well(pid) && untouched(1) == 2;
}

int main(int argc, char **argv) {
    name = argc > 1 ? argv[1] : NULL;
    return run_cases(argc, argv, (struct test_case[]){
        {"by /proc/self/exe", by_link},
        {"by its name", by_name},
        {"by its path", by_path},
        {"by a search", by_search},
        {"fexecve", by_descriptor},
        {"execveat of a descriptor", by_execveat},
        {"execveat of a name", by_execveat_of_a_name},
        {"by a symbolic link", by_symbolic_link},
        {"without an environment", without_environment},
        {"ten times", often},
        {"in the same process", in_the_same_process},
        {"after fork", after_fork},
        {"after vfork", after_vfork},
        {"a vfork whose exec fails", vfork_that_fails},
        {"posix_spawn with file actions", spawned_with_actions},
        {"a posix_spawn that fails", spawned_that_fails},
        {"posix_spawn in a group of its own", spawned_group},
        {"system", by_system},
        {"popen", by_popen},
        {"wordexp", by_wordexp},
        {"clone with shared memory, then exec", exec_from_shared_memory},
        {},
    });
}
