//#Archive: libeven.a = even.c
//#Archive: libodd.a = odd.c base.c
//#Link: main.c -Wl,--start-group libeven.a libodd.a -Wl,--end-group
//#Modes: pie nopie static
//#Stdout: 10 is even
//#Stdout: 7 is odd
// Two archives that need each other, in a group.
#include <stdio.h>

int even(int), odd(int);

int main(void) {
    printf("10 is %s\n", even(10) ? "even" : "odd");
    printf("7 is %s\n", even(7) ? "even" : "odd");
    return 0;
}
