//#Flags: -O1 -I$SRC/../../../include
//#Shared: libblock.so = lib.c
//#Modes: pie nopie
//#Stdout: untouched code runs: yes
// A library blocks every signal by an instruction of its own, as runtimes without libc do, and nothing but that
// instruction shows it. Then untouched code runs.
#include "untouched.h"
#include <stdio.h>

void block_by_instruction(void);

int main(int argc, char **argv) {
    block_by_instruction();
    printf("untouched code runs: %s\n", untouched(argc) == argc + 1 ? "yes" : "no");
    return 0;
}
