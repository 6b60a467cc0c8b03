//#Archive: libpulled.a = pulled.c
//#Link: -Wl,-u,pull_me main.c libpulled.a
//#Modes: pie nopie
//#Stdout: pulled
//#Stdout: main
// -u makes a symbol undefined, so that the member which defines it is taken.
#include <stdio.h>

int main(void) {
    puts("main");
    return 0;
}
