//#Shared: libb.so = lib.c
//#Flags: -O0
//#LinkFlags: -rdynamic
//#Stdout: innermost callback outer main
// A backtrace goes from the program through a library and back, and every frame has its name.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>

void outer(void (*)(void));
__attribute__((noipa)) void innermost(void) {
    void *frames[16];
    int count = backtrace(frames, 16);
    for (int i = 0; i < count && i < 4; i++) {
        Dl_info info;
        dladdr((char *)frames[i] - 1, &info);
        printf("%s%s", info.dli_sname, i < 3 ? " " : "\n");
    }
}
void callback(void) { innermost(); }

int main(void) {
    outer(callback);
    return 0;
}
