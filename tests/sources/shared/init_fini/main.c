//#Shared: libbase.so = base.c
//#SharedFlags: libbase.so = -Wl,-init,start -Wl,-fini,finish
//#Shared: libtop.so = top.c
//#SharedFlags: libtop.so = libbase.so
//#Link: main.c libtop.so
//#LinkFlags: -Wl,-rpath-link,$LIB
//#Stdout: base -init
//#Stdout: base constructor 101 with 2 arguments
//#Stdout: base constructor 102
//#Stdout: base constructor
//#Stdout: top constructor, base is ready: 3
//#Stdout: program's constructor
//#Stdout: main
//#Stdout: program's destructor
//#Stdout: top destructor
//#Stdout: base destructor
//#Stdout: base destructor 102
//#Stdout: base destructor 101
//#Stdout: base -fini
//#Args: one
// What runs when a library is loaded and unloaded, in which order.
#include <stdio.h>

void top(void);
__attribute__((constructor)) static void begin(void) { puts("program's constructor"); }
__attribute__((destructor)) static void end(void) { puts("program's destructor"); }

int main(void) {
    top();
    puts("main");
    return 0;
}
