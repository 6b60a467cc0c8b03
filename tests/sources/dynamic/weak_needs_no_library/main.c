//#Shared: libw.so = lib.c
//#Link: main.c -Wl,--as-needed libw.so
//#Flags: -O1
//#Stdout: absent
// Weak references alone do not make a library needed under --as-needed, and what is not needed satisfies
// nothing.
#include <stdio.h>

__attribute__((weak)) int present(void);

int main(void) {
    puts(present ? "present" : "absent");
    return 0;
}
