//#Flags: -O1 -I$SRC/../../../include
//#Shared: libreporter.so = reporter.c
//#Link: main.c
//#Modes: pie nopie
//#Env: LD_PRELOAD=$LIB/libreporter.so
//#Stdout: untouched code: 6
//#Stdout: the reporter saw signal 11 at 0x10, and dies of it
//#Signal: 11
// A library that is preloaded reports crashes: it sets handlers before the program starts, writes its report, and lets
// the default follow.
#include "untouched.h"
#include <stdio.h>

int main(int argc, char **argv) {
    printf("untouched code: %d\n", untouched(argc + 4));
    fflush(stdout);
    return *(volatile char *)16;
}
