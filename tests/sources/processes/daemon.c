//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: the daemon says: 16
// A process detaches itself as daemons do: it forks twice, leads a session of its own, and its parents end.
// The code that it runs afterwards was touched by none of them.
#include "untouched.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

UNTOUCHED static int work(int x) {
    ALONE;
    return x + 15;
}

int main(int argc, char **argv) {
    int pipes[2];
    if (pipe(pipes))
        return 1;
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            close(pipes[0]);
            dprintf(pipes[1], "the daemon says: %d\n", work(argc));
            exit(0);
        }
        _exit(0);
    }
    close(pipes[1]);
    wait(NULL);
    char text[100];
    ssize_t length;
    while ((length = read(pipes[0], text, sizeof text)) > 0)
        fwrite(text, 1, length, stdout);
    return 0;
}
