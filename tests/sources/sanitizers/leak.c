//#Flags: -O1 -fsanitize=leak
//#LinkFlags: -fsanitize=leak
//#Modes: pie nopie
//#Stdout: done
//#Env: LSAN_OPTIONS=exitcode=0:detect_leaks=0
#include "../../fixtures/far.h"
#include <stdio.h>
#include <stdlib.h>

FAR_FUNCTION(far_add, 10)

int main(int argc, char **argv) {
    free(malloc(far_add(argc)));
    puts("done");
    return 0;
}
