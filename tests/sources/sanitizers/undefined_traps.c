//#Flags: -O1 -fsanitize=undefined -fsanitize-undefined-trap-on-error
//#Modes: pie nopie static
//#Signal: 4
#include "../../fixtures/far.h"

__attribute__((noinline)) static int add(int x) {
    FAR(x);
    x += 2147483647;
    FAR(x);
    return x;
}

int main(int argc, char **argv) { return add(argc); }
