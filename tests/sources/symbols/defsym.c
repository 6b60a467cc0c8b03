//#LinkFlags: -Wl,--defsym=renamed=actual -Wl,--defsym,also_renamed=actual
//#Modes: pie nopie
//#Stdout: 9 9
// Symbols that the command line defines.
#include <stdio.h>

int actual(void) { return 9; }
int renamed(void), also_renamed(void);

int main(void) {
    printf("%d %d\n", renamed(), also_renamed());
    return 0;
}
