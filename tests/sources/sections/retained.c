//#Flags: -O1 -ffunction-sections -fdata-sections
//#LinkFlags: -Wl,--gc-sections
//#Stdout: 7 8 9
// Nothing refers to what is marked as retained (SHF_GNU_RETAIN) but the table that it makes.
#include <stdio.h>

__asm__(".section table, \"aR\", @progbits\n.quad 7\n.previous");
__asm__(".section table, \"aR\", @progbits\n.quad 8, 9\n.previous");
extern const long __start_table[], __stop_table[];

int main(void) {
    for (const long *entry = __start_table; entry < __stop_table; entry++)
        printf("%ld%c", *entry, entry + 1 == __stop_table ? '\n' : ' ');
    return 0;
}
