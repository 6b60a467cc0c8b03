//#Object: other.c
//#Flags: -fcommon
//#Modes: pie nopie static
//#Stdout: counter 5
//#Stdout: buffer is large and zero: yes
//#Stdout: initialised 7
//#Stdout: aligned: yes
// Common symbols are merged: the largest size and the strictest alignment count, and a real
// definition replaces them.
#include <stdint.h>
#include <stdio.h>

int counter;
char buffer[10];
int initialised;
char aligned[64] __attribute__((aligned(64)));

void count(void);
int buffer_is_zero(void);

int main(void) {
    counter = 2;
    count();
    printf("counter %d\n", counter);
    printf("buffer is large and zero: %s\n", buffer_is_zero() ? "yes" : "no");
    printf("initialised %d\n", initialised);
    printf("aligned: %s\n", (uintptr_t)aligned % 64 == 0 ? "yes" : "no");
    return 0;
}
