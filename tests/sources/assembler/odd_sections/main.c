//#Object: odd.S
//#Modes: pie nopie static
//#Stdout: 1 2 3 4
//#Stdout: zero: yes
// Sections that a compiler does not make: several with one name and different flags, an empty one, one with
// an odd alignment, one whose size is no multiple of its alignment, and a second text section.
#include <stdio.h>

extern const int first, second, third;
int fourth(void);
extern char empty[], zero_filled[100];

int main(void) {
    printf("%d %d %d %d\n", first, second, third, fourth());
    int zero = 1;
    for (int i = 0; i < 100; i++)
        zero &= zero_filled[i] == 0;
    printf("zero: %s\n", zero ? "yes" : "no");
    return 0;
}
