//#Flags: -O2
//#Modes: pie nopie static
//#Compiler: gcc clang
//#Stdout: 27
// The addresses of labels in a table, as interpreters use them.
#include <stdio.h>

__attribute__((noinline)) int interpret(const char *code) {
    static const void *const actions[] = {&&add, &&twice, &&less, &&stop};
    int value = 0;
    goto *actions[(int)*code];
add:
    value += 5;
    goto *actions[(int)*++code];
twice:
    value *= 2;
    goto *actions[(int)*++code];
less:
    value -= 3;
    goto *actions[(int)*++code];
stop:
    return value;
}

int main(void) {
    printf("%d\n", interpret("\0\1\0\1\2\3"));
    return 0;
}
