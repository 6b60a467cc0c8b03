//#Shared: libr.so = lib.S data.c
//#Flags: -O1
//#Stdout: plt 7 got 7 relaxable 7 local 5 section 6
//#Stdout: words 11 12 13, addends 2 3, negative 1
//#Stdout: pc64 yes, pc32 between sections yes, difference 8
//#Stdout: read-only table 20 21 22
//#Stdout: undefined weak is null: yes
// Relocations of a library that compilers write seldom, spelt out in assembler.
#include <stdio.h>

int by_plt(void), by_got(void), by_relaxable(void), by_local(void), by_section(void);
int pc64(void), pc32(void), difference(void), weak_is_null(void);
extern int *words[3], *addends[2], *negative, *const constant[3];

int main(void) {
    printf("plt %d got %d relaxable %d local %d section %d\n", by_plt(), by_got(), by_relaxable(), by_local(),
           by_section());
    printf("words %d %d %d, addends %d %d, negative %d\n", *words[0], *words[1], *words[2], *addends[0], *addends[1],
           *negative);
    printf("pc64 %s, pc32 between sections %s, difference %d\n", pc64() ? "yes" : "no", pc32() ? "yes" : "no",
           difference());
    printf("read-only table %d %d %d\n", *constant[0], *constant[1], *constant[2]);
    printf("undefined weak is null: %s\n", weak_is_null() ? "yes" : "no");
    return 0;
}
