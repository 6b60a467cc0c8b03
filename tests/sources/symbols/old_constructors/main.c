//#Object: table.S
//#Modes: pie nopie
//#Stdout: from .ctors
//#Stdout: main
//#Stdout: from .dtors
// Sections .ctors and .dtors, which old compilers and hand-written code use for what is .init_array now.
#include <stdio.h>

void from_ctors(void) { puts("from .ctors"); }
void from_dtors(void) { puts("from .dtors"); }

int main(void) {
    puts("main");
    return 0;
}
