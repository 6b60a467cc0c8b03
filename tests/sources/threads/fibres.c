//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: 0 10 1 11 2 12 3 13 4 14
// Fibres with stacks of 16 KiB, in which untouched code runs.
#include "untouched.h"
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

static ucontext_t main_context, fibre[2];
static int value[2];

#define F(n) UNTOUCHED static int f##n(int x) { ALONE; return x + n; }
F(0) F(1) F(2) F(3) F(4)
static int (*volatile functions[])(int) = {f0, f1, f2, f3, f4};

static void body(int which) {
    for (int i = 0; i < 5; i++) {
        value[which] = functions[i](which * 10);
        swapcontext(&fibre[which], &main_context);
    }
}

int main(void) {
    for (int i = 0; i < 2; i++) {
        getcontext(&fibre[i]);
        fibre[i].uc_stack.ss_sp = malloc(16384);
        fibre[i].uc_stack.ss_size = 16384;
        fibre[i].uc_link = &main_context;
        makecontext(&fibre[i], (void (*)(void))body, 1, i);
    }
    for (int step = 0; step < 10; step++) {
        swapcontext(&main_context, &fibre[step % 2]);
        printf("%d%c", value[step % 2], step < 9 ? ' ' : '\n');
    }
    return 0;
}
