//#Flags: -g -gz=zlib
//#Modes: pie
//#Stdout: fine
// Compressed debug sections are no different.
#include <stdio.h>

int main(void) {
    puts("fine");
    return 0;
}
