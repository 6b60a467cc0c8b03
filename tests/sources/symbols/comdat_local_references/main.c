//#Object: first.S second.S
//#Modes: pie nopie
//#Stdout: 7 7
//#Stdout: debug reference is left alone
// A group that is discarded leaves references to its local symbols behind in sections of its own object that
// describe it. They do not matter, and must not be errors.
#include <stdio.h>

int from_first(void), from_second(void);

int main(void) {
    printf("%d %d\n", from_first(), from_second());
    puts("debug reference is left alone");
    return 0;
}
