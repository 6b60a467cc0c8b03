//#Flags: -O1
//#Modes: pie nopie
//#Stdout: defined 4
// A weak thread-local variable that has a definition.
#include <stdio.h>

__attribute__((weak)) __thread int weak_variable = 4;

int main(void) {
    printf("defined %d\n", weak_variable);
    return 0;
}
