//#Flags: -O1 -pg
//#LinkFlags: -pg
//#Modes: pie nopie
//#Env: GMON_OUT_PREFIX=counts
//#Stdout: called: 42
//#Stdout: the profile begins with gmon: yes
// gprof's counters and its timer.
#include "../../fixtures/far.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void _mcleanup(void);
FAR_FUNCTION(far_add, 42)

int main(void) {
    printf("called: %d\n", far_add(0));
    _mcleanup();
    char path[40], start[4] = "";
    snprintf(path, sizeof path, "counts.%d", getpid());
    int file = open(path, O_RDONLY);
    printf("the profile begins with gmon: %s\n", read(file, start, 4) == 4 && !memcmp(start, "gmon", 4) ? "yes" : "no");
    fflush(stdout);
    unlink(path);
    _exit(0);
}
