//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: the daemon says: 16
// A process detaches itself as daemons do: it forks twice, leads a session of its own, and its parents end.
// The code that it runs afterwards was touched by none of them.
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((aligned(65536), noinline)) static int work(int x) { return x + 15; }

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
