//#Flags: -O1 --coverage -fprofile-update=atomic
//#LinkFlags: --coverage
//#Modes: pie nopie static
//#Env: GCOV_PREFIX=$WORK/counts
//#Env: GCOV_PREFIX_STRIP=99
//#Stdout: called: 15
//#Stdout: counts were written
#include "../../fixtures/far.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void __gcov_dump(void);
FAR_FUNCTION(far_add, 5)

int main(void) {
    int value = 0;
    for (int i = 0; i < 3; i++)
        value = far_add(value);
    printf("called: %d\n", value);
    __gcov_dump();
    char path[4096];
    snprintf(path, sizeof path, "%s/coverage.c.gcda", getenv("GCOV_PREFIX"));
    puts(unlink(path) ? "no counts were written" : "counts were written");
    return 0;
}
