//#Flags: -O2
//#Modes: pie nopie static
//#Compiler: gcc clang
//#Stdout: 3 14 15 92 65 35 89 79 32 38 0
// Jump tables: differences in a PIE, addresses otherwise.
#include <stdio.h>

__attribute__((noinline)) int choose(int which, int x) {
    switch (which) {
    case 0: return x * 3;
    case 1: return x + 13;
    case 2: return x ? 15 : 2;
    case 3: return 93 - x;
    case 4: return 64 | x;
    case 5: return 34 + x;
    case 6: return 90 - x;
    case 7: return 80 - x;
    case 8: return x << 5;
    case 9: return 37 + x;
    default: return 0;
    }
}

int main(int argc, char **argv) {
    for (int i = 0; i <= 10; i++)
        printf("%d%c", choose(i, argc), i < 10 ? ' ' : '\n');
    return 0;
}
