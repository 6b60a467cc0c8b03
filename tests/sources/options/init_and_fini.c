//#LinkFlags: -Wl,-init,my_init -Wl,-fini,my_fini
//#Modes: pie nopie
//#Stdout: my init
//#Stdout: main
//#Stdout: my fini
// Functions that take the place of _init and _fini.
#include <stdio.h>

void my_init(void) { puts("my init"); }
void my_fini(void) { puts("my fini"); }

int main(void) {
    puts("main");
    return 0;
}
