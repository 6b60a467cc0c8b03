//#Archive: liblong.a = a_member_whose_name_is_too_long_for_the_header_of_an_archive.c a_member_whose_name_is_too_long_for_the_header_of_another.c
//#Modes: pie nopie
//#Stdout: 3
// Long member names stand in a table of their own.
#include <stdio.h>

int one(void), two(void);

int main(void) {
    printf("%d\n", one() + two());
    return 0;
}
