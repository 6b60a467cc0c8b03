//#Flags: -O1 -fstack-protector-all
//#Modes: pie nopie static
//#StderrHas: stack smashing detected
//#Signal: 6
#include "../../fixtures/far.h"
#include <string.h>

__attribute__((noinline)) static int smash(int length) {
    char buffer[8];
    FAR(length);
    memset(buffer, 1, length);
    __asm__ volatile("" : : "r"(buffer) : "memory");
    FAR(length);
    return buffer[0];
}

int main(int argc, char **argv) { return smash(argc + 31); }
