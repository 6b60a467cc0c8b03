//#Archive: libweak.a = weak.c
//#Modes: pie nopie
//#Stdout: absent
// A weak reference takes no member out of an archive.
#include <stdio.h>

__attribute__((weak)) void in_archive(void);

int main(void) {
    puts(in_archive ? "present" : "absent");
    return 0;
}
