//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: from system
//#Stdout: from popen
//#Stdout: from posix_spawn
//#Stdout: from vfork: status 9
//#Stdout: from exec in a child
// Every way to start another program: several of them run a child in the parent's memory.
#define _GNU_SOURCE
#include "untouched.h"
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
UNTOUCHED static void in_vfork_child(void) {
    ALONE;
    _exit(9);
}

int main(void) {
    int status;
    if (system("echo from system"))
        return 1;
    char line[100];
    FILE *pipe = popen("echo from popen", "r");
    if (!pipe || !fgets(line, sizeof line, pipe) || pclose(pipe))
        return 2;
    printf("%s", line);
    fflush(stdout);
    pid_t pid;
    char *arguments[] = {"sh", "-c", "echo from posix_spawn", NULL};
    if (posix_spawnp(&pid, "sh", NULL, NULL, arguments, environ) || waitpid(pid, &status, 0) != pid)
        return 3;
    pid = vfork();
    if (pid == 0)
        in_vfork_child();
    waitpid(pid, &status, 0);
    printf("from vfork: status %d\n", WEXITSTATUS(status));
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "echo from exec in a child", NULL);
        _exit(1);
    }
    waitpid(pid, &status, 0);
    return status;
}
