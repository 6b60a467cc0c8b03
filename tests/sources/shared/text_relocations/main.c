//#Shared: libtext.so = lib.S
//#SharedFlags: libtext.so = -Wl,-z,notext
//#Stdout: 42
// A library whose read-only data is relocated when it is loaded (DT_TEXTREL).
#include <stdio.h>

long read_table(void);

int main(void) {
    printf("%ld\n", read_table());
    return 0;
}
