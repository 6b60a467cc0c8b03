//#Flags: -O1
//#Modes: pie nopie
//#Stdout: data of the child: data
//#Stdout: constant of the child: constant
// Another process reads this one's memory: data that it has not touched must be there.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((aligned(4096))) static char data[4096] = "data";
__attribute__((aligned(4096))) static const char constant[4096] = "constant";

int main(void) {
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    char buffer[2][16] = {"", ""};
    struct iovec local[] = {{buffer[0], 16}, {buffer[1], 16}};
    struct iovec remote[] = {{data, 16}, {(void *)constant, 16}};
    ssize_t count = process_vm_readv(child, local, 2, remote, 2, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (count != 32)
        return 1;
    printf("data of the child: %s\nconstant of the child: %s\n", buffer[0], buffer[1]);
    return 0;
}
