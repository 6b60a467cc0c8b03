//#Shared: libx.so = lib.c
//#Link: main.c libx.so
//#LinkFlags: -rdynamic
//#Stdout: library begins
//#Stdout: main
//#Stdout: program's atexit
//#Stdout: program's destructor
//#Stdout: library ends, calls program: 3
// At exit a library's destructor calls into the program, into code that nobody has touched before.
#include <stdio.h>
#include <stdlib.h>

void anchor(void);
__attribute__((aligned(8192))) int called_at_the_end(int x) { return x + 1; }
static void at_exit(void) { puts("program's atexit"); }
__attribute__((destructor)) static void destroy(void) { puts("program's destructor"); }

int main(void) {
    anchor();
    atexit(at_exit);
    puts("main");
    return 0;
}
