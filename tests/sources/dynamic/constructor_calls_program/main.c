//#Shared: libc1.so = lib.c
//#Modes: pie nopie
//#Stdout: before main, from a library: hook 5 data 6 tls 7
//#Stdout: main
// A library's constructor runs before anything of the program has run, and calls into the program.
#include <stdio.h>

static int data = 6;
static int *pointer = &data;
static __thread int tls = 7;
__attribute__((aligned(8192))) int hook(void) {
    printf("before main, from a library: hook %d data %d tls %d\n", 5, *pointer, tls);
    return 0;
}
void anchor(void);

int main(void) {
    anchor();
    puts("main");
    return 0;
}
