//#Flags: -O2
//#Modes: pie nopie
//#Compiler: gcc clang
//#Stdout: 120 floats 3.0 -2.5, int128 85070591730234615865843651857942052864
// Arithmetic that needs constants from memory and helper functions of the compiler's own library.
#include <stdio.h>

int main(int argc, char **argv) {
    volatile double x = argc * 6.0;
    volatile float y = argc * -2.5f;
    unsigned __int128 big = (unsigned __int128)argc << 126;
    char digits[50];
    int position = 49;
    digits[position] = 0;
    for (; big; big /= 10)
        digits[--position] = '0' + (int)(big % 10);
    int factorial = 1;
    for (int i = 2; i <= 5; i++)
        factorial *= i;
    printf("%d floats %.1f %.1f, int128 %s\n", factorial, x / 2, y, digits + position);
    return 0;
}
