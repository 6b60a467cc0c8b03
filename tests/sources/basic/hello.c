//#Compiler: gcc clang
//#Modes: pie nopie static static-pie
//#Stdout: hello, world
#include <stdio.h>

int main(void) {
    printf("hello, %s\n", "world");
    return 0;
}
