//#Flags: -O1
//#LinkFlags: -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096 -Wl,-z,norelro -Wl,--hash-style=both
//#Modes: pie nopie static
//#Stdout: 42, constant
// Code and constants in one segment, small pages, nothing protected after relocation.
#include "../../fixtures/far.h"
#include <stdio.h>
#include <unistd.h>

FAR_FUNCTION(far_add, 42)
static const char constant[] = ", constant\n";

int main(void) {
    printf("%d", far_add(0));
    fflush(stdout);
    return write(1, constant, sizeof constant - 1) < 0;
}
