//#LinkFlags: -Wl,-z,relro -Wl,-z,now
//#Modes: pie
//#Stdout: before
//#Signal: 11
// What needs relocation only at start-up is read-only afterwards.
#include <stdio.h>

static int target;
static int *const table[] = {&target};

int main(void) {
    puts("before");
    fflush(stdout);
    int **volatile entry = (int **)&table[0];
    *entry = NULL;
    puts("after");
    return 0;
}
