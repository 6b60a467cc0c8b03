//#Modes: pie static
//#Stdout: before
//#Signal: 6
// A death by signal is the same death.
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    puts("before");
    fflush(stdout);
    abort();
}
