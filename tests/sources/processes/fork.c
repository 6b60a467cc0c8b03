//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: child: code 31, constant 41, variable 51, zero 0
//#Stdout: grandchild: code 32
//#Stdout: parent: code 31, variable 50
// A child touches code and data that its parent never did, and then so does the parent. In no
// case may the child read zeros in the place of code.
#include "untouched.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

UNTOUCHED static int code(int x) {
    ALONE;
    return x + 30;
}
UNTOUCHED static int other_code(int x) {
    ALONE;
    return x + 31;
}
__attribute__((aligned(8192))) static const volatile int constant = 41;
__attribute__((aligned(8192))) static volatile int variable = 50;
__attribute__((aligned(8192))) static volatile char zero[8192];

static void wait_for(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) != pid || status)
        _exit(1);
}

int main(int argc, char **argv) {
    pid_t pid = fork();
    if (pid == 0) {
        variable++;
        printf("child: code %d, constant %d, variable %d, zero %d\n", code(argc), constant, variable, zero[0]);
        fflush(stdout);
        pid = fork();
        if (pid == 0) {
            printf("grandchild: code %d\n", other_code(argc));
            exit(0);
        }
        wait_for(pid);
        _exit(0);
    }
    wait_for(pid);
    printf("parent: code %d, variable %d\n", code(argc), variable);
    return 0;
}
