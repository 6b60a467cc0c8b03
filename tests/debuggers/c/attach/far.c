#include "far.h"
static int calls;
__attribute__((noinline)) static int deeper(int x) {
    FAR(x);
    calls += 1;
    FAR(x);
    return x * 2 + calls;
}
int never_touched(int x) {
    FAR(x);
    int local = x + 100;
    FAR(x);
    local = deeper(local);
    FAR(local);
    return local;
}
