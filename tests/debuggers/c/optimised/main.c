//#Compiler: gcc clang
//#Modes: pie nopie
//#Flags: -g -O2
//#Object: part.c
#include <stdio.h>
#include <stdlib.h>
int of_part(int x);
int sink;
static inline __attribute__((always_inline)) int innermost(int x, int y) {
    sink = x;
    sink = of_part(x + y);
    return sink * y;
}
static inline __attribute__((always_inline)) int middle(int x) {
    int twice = x * 2;
    return innermost(twice, 7) + innermost(x, 8);
}
__attribute__((noinline)) static int outer(int x) {
    int sum = 0;
    for (int i = 0; i < x; i++)
        sum += middle(i);
    return sum;
}
int main(int argc, char **argv) {
    printf("%d\n", outer(argc + 2));
    return 0;
}
