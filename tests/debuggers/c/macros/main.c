//#Modes: pie
//#Flags: -g3
#include <stdio.h>
#define SQUARE(x) ((x) * (x))
#define LIMIT 12
int main(void) {
    int i = 3;
    puts("with macros");
    return SQUARE(i) < LIMIT ? 0 : 1;
}
