//#Modes: pie nopie static
//#Stdout: all zero: yes
//#Stdout: 3
// Half a gigabyte of bss of which little is touched.
#include <stdio.h>

static char large[512l << 20];
static int after = 1;

int main(void) {
    int zero = 1;
    for (long i = 0; i < sizeof large; i += 1 << 20)
        zero &= large[i] == 0;
    printf("all zero: %s\n", zero ? "yes" : "no");
    large[sizeof large - 1] = 2;
    printf("%d\n", large[sizeof large - 1] + after);
    return 0;
}
