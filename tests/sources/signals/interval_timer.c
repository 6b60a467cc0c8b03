//#Flags: -O0 -I$SRC/../../include
//#Modes: pie nopie
//#Stdout: sum 2080
//#Stdout: the timer struck
// A timer interrupts while functions are touched for the first time, so that handlers run in the middle
// of faults.
#include "untouched.h"
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

static volatile int ticks;
UNTOUCHED static void tick(int signal) {
    ALONE;
    ticks++;
}

#define F(n) __attribute__((aligned(65536), noinline)) static int f##n(int x) { return x + 1##n - 100; }
#define F8(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7)
F8(0) F8(1) F8(2) F8(3) F8(4) F8(5) F8(6) F8(7)
#define P8(n) f##n##0, f##n##1, f##n##2, f##n##3, f##n##4, f##n##5, f##n##6, f##n##7
static int (*volatile table[])(int) = {P8(0), P8(1), P8(2), P8(3), P8(4), P8(5), P8(6), P8(7)};

int main(void) {
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 100}, {0, 100}};
    setitimer(ITIMER_REAL, &often, NULL);
    int sum = 0, index = 0;
    for (int i = 0; i < 64; i++)
        sum += table[i](0) >= 0 ? index++ + 1 : 0;
    while (!ticks) {
    }
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    printf("sum %d\nthe timer struck\n", sum);
    return 0;
}
