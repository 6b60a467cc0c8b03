//#Flags: -O1 -g -fsanitize=address -fno-omit-frame-pointer
//#LinkFlags: -fsanitize=address
//#Modes: pie nopie
//#Env: ASAN_OPTIONS=detect_leaks=0:log_path=$WORK/report:exitcode=23
//#Exit: 23
// A read beyond the end, in code that was never touched, is reported.
#include "../../fixtures/far.h"
#include <stdlib.h>

__attribute__((noinline)) static int beyond(char *block) {
    FAR(block);
    int result = block[10];
    FAR(block);
    return result;
}

int main(void) { return beyond(malloc(10)); }
