//#Archive: liba.a = used.c unused.c needed_by_used.c
//#Modes: pie nopie static
//#Stdout: used 1
//#Stdout: constructor of an unused member has not run
// Only the members that define something undefined become part of the program.
#include <stdio.h>

int used(void);
int unused_constructor_ran;

int main(void) {
    printf("used %d\n", used());
    puts(unused_constructor_ran ? "constructor of an unused member has run"
                                : "constructor of an unused member has not run");
    return 0;
}
