//#Flags: -O0
//#Modes: pie nopie
//#Stdout: 7000
// The main stack grows far, and untouched code is called at its end.
#include <stdio.h>

__attribute__((aligned(8192), noinline)) static int untouched(int x) { return x; }
static int descend(int depth) {
    char frame[1000];
    frame[depth % 1000] = 1;
    return depth == 7000 ? untouched(depth) : descend(depth + 1) + frame[depth % 1000] - 1;
}

int main(void) {
    printf("%d\n", descend(0));
    return 0;
}
