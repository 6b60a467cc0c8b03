//#Modes: pie
//#Flags: -g
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int in_child(int x) { return x + 5; }
static int in_parent(int x) { return x + 9; }
static int after_exec(int x) { return x * 2; }
int main(int argc, char **argv) {
    int status;
    if (argc > 1 && !strcmp(argv[1], "again"))
        return after_exec(11);
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(1));
    waitpid(child, &status, 0);
    int sum = in_parent(WEXITSTATUS(status));
    printf("%d\n", sum);
    fflush(stdout);
    if (argc > 1 && !strcmp(argv[1], "exec"))
        execl("./app", "app", "again", NULL);
    return 0;
}
