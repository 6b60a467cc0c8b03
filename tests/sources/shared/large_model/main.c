//#Shared: liblarge.so = large.c other.c
//#FileFlags: large.c = -mcmodel=large
//#Shared: libmedium.so = medium.c
//#FileFlags: medium.c = -mcmodel=medium -mlarge-data-threshold=64
//#Modes: pie nopie
//#Flags: -O1
//#Stdout: large: own 1 exported 2 function 3 other object 4 libc 5
//#Stdout: medium: zero 0 data 70 exported 7 after writing 8 9
// Code that was compiled for large libraries: 64-bit offsets from the GOT, and data in sections of its own.
#include <stdio.h>

void large(void), medium(void);

int main(void) {
    large();
    medium();
    return 0;
}
