//#Archive: liba.a = a1.c a2.c
//#Archive: libb.a = b.c
//#Link: main.c -L$WORK -la -lb -la
//#Modes: pie nopie
//#Stdout: 6
// An archive that stands on the line twice serves what an archive between has asked for.
#include <stdio.h>

int a1(void);

int main(void) {
    printf("%d\n", a1());
    return 0;
}
