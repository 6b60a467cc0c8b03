//#Shared: libpreload.so = preload.c
//#Link: main.c
//#Env: LD_PRELOAD=$LIB/libpreload.so
//#Stdout: getpid is preloaded: 4711
//#Stdout: the preloaded library calls back: 10
//#LinkFlags: -rdynamic
// A preloaded library comes between the program and libc.
#include <stdio.h>
#include <unistd.h>

int program_value(void) { return 10; }

int main(void) {
    printf("getpid is preloaded: %d\n", getpid());
    printf("the preloaded library calls back: %ld\n", (long)getppid());
    return 0;
}
