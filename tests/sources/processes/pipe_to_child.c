//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: the child read: constant text; initialised data; 4096 zeros
// The kernel reads from and writes into memory that the program has not touched: system calls must not
// fail with EFAULT because of us.
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((aligned(4096))) static const char constant[4096] = "constant text; ";
__attribute__((aligned(4096))) static char data[4096] = "initialised data; ";
__attribute__((aligned(4096))) static char zeros[4096];
__attribute__((aligned(4096))) static char received[3 * 4096];
__attribute__((aligned(4096))) static char into_data[3 * 4096] = "to be overwritten";

int main(void) {
    int pipes[2];
    if (pipe(pipes))
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[0]);
        if (write(pipes[1], constant, sizeof constant) != sizeof constant ||
            write(pipes[1], data, sizeof data) != sizeof data ||
            write(pipes[1], zeros, sizeof zeros) != sizeof zeros)
            _exit(1);
        _exit(0);
    }
    close(pipes[1]);
    size_t length = 0;
    ssize_t count;
    while ((count = read(pipes[0], received + length, sizeof received - length)) > 0)
        length += count;
    int status;
    waitpid(pid, &status, 0);
    if (status || length != sizeof received)
        return 2;
    memcpy(into_data, received, length);
    int zero_count = 0;
    for (int i = 0; i < 4096; i++)
        zero_count += into_data[8192 + i] == 0;
    printf("the child read: %s%s%d zeros\n", into_data, into_data + 4096, zero_count);
    return 0;
}
