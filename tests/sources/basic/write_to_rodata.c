//#Modes: pie nopie
//#Stdout: before constant
//#Signal: 11
// Read-only data is read-only.
#include <stdio.h>

const char constant[] = "constant";

int main(void) {
    printf("before %s\n", constant);
    fflush(stdout);
    *(volatile char *)constant = 'C';
    puts("after");
    return 0;
}
