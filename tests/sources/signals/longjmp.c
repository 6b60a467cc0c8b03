//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: jumped from depth 50
//#Stdout: jumped out of a handler: 3 times
// longjmp across frames and out of handlers.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static jmp_buf back;
static sigjmp_buf signal_back;

__attribute__((noinline)) static int descend(int depth) {
    if (depth == 50)
        longjmp(back, depth);
    return descend(depth + 1) + 1;
}

static void handler(int signal) { siglongjmp(signal_back, 1); }

int main(void) {
    int depth = setjmp(back);
    if (!depth)
        descend(0);
    printf("jumped from depth %d\n", depth);
    volatile int times = 0;
    signal(SIGUSR1, handler);
    sigsetjmp(signal_back, 1);
    if (times++ < 3)
        raise(SIGUSR1);
    printf("jumped out of a handler: %d times\n", times - 1);
    return 0;
}
