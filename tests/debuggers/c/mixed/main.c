//#Modes: pie nopie
//#Flags: -g
//#Object: plain.c stripped.S
//#FileFlags: plain.c = -g0
//#Archive: libmixed.a = one.c two.c
//#FileFlags: two.c = -g0
//#Link: main.c plain.c stripped.S libmixed.a
#include <stdio.h>
int plain(int (*)(int), int), one(int), two(int), by_hand(int);
static int back(int x) {
    int y = one(x);
    y += two(x);
    y += by_hand(x);
    return y;
}
int main(void) {
    printf("%d\n", plain(back, 3));
    return 0;
}
