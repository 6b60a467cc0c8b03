//#Modes: pie nopie
//#Stdout: signals for the process reach main: yes
//#Stdout: the child is alone: yes
// A background thread of ours must not take signals that are meant for the program, and must not be there
// after fork.
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t handled_by;
static void handler(int signal) { handled_by = syscall(SYS_gettid); }

int main(void) {
    signal(SIGUSR1, handler);
    // Sent to the process and not to a thread; whoever does not block it may get it.
    kill(getpid(), SIGUSR1);
    printf("signals for the process reach main: %s\n", handled_by == getpid() ? "yes" : "no");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int threads = 0;
        DIR *tasks = opendir("/proc/self/task");
        for (struct dirent *entry; (entry = readdir(tasks));)
            threads += entry->d_name[0] != '.';
        printf("the child is alone: %s\n", threads == 1 ? "yes" : "no");
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    return 0;
}
