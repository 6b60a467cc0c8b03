//#ThinArchive: libthin.a = one.c two.c
//#Modes: pie nopie static
//#Stdout: 3
// A thin archive names its members' files and does not hold them.
#include <stdio.h>

int one(void);

int main(void) {
    printf("%d\n", one());
    return 0;
}
