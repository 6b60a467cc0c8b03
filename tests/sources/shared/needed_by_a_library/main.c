//#Shared: libidle.so = idle.c
//#Shared: libwanted.so = wanted.c
//#Shared: libtop.so = top.c
//#SharedFlags: libtop.so = -Wl,--as-needed libidle.so libwanted.so
//#Shared: libfirst.so = first.c
//#SharedFlags: libfirst.so = -Wl,-z,initfirst
//#Link: main.c libtop.so -Wl,--no-as-needed libfirst.so
//#LinkFlags: -Wl,-rpath-link,$LIB
//#Stdout: first is initialised
//#Stdout: wanted is initialised
//#Stdout: idle is not loaded
//#Stdout: top 2
// Of the libraries on a library's command line, --as-needed keeps those that it refers to. -z initfirst comes before all.
#include <dlfcn.h>
#include <stdio.h>

int top(void);

int main(void) {
    printf("idle is %s\n", dlopen("libidle.so", RTLD_NOW | RTLD_NOLOAD) ? "loaded" : "not loaded");
    printf("top %d\n", top());
    return 0;
}
