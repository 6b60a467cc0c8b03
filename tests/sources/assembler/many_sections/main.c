//#Object: sections.S
//#Modes: pie nopie
//#Stdout: first 0, last 69999
// An object with more sections than the 16-bit fields of ELF can count.
#include <stdio.h>

extern const int first_section, last_section;

int main(void) {
    printf("first %d, last %d\n", first_section, last_section);
    return 0;
}
