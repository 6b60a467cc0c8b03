//#Modes: pie nopie static
//#Stdout: before
//#Signal: 11
// A real crash stays a crash: the pager must not take it for one of its own faults.
#include <stdio.h>

int main(int argc, char **argv) {
    puts("before");
    fflush(stdout);
    volatile int *null = (int *)(long)(argc - 1);
    *null = 1;
    puts("after");
    return 0;
}
