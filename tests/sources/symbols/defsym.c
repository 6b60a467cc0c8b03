//#LinkFlags: -Wl,--defsym=renamed=actual -Wl,--defsym,also_renamed=actual
//#LinkFlags: -Wl,--defsym=second=table+4*2 -Wl,--defsym=chained=second+(0x10-010)-4
//#Modes: pie nopie static
//#Stdout: 9 9
//#Stdout: 3 4
// Symbols that the command line defines.
#include <stdio.h>

int actual(void) { return 9; }
int renamed(void), also_renamed(void);
int table[] = {1, 2, 3, 4};
extern int second, chained;

int main(void) {
    printf("%d %d\n", renamed(), also_renamed());
    printf("%d %d\n", second, chained);
    return 0;
}
