//#Shared: libw.so = lib.c
//#LinkFlags: -rdynamic
//#Flags: -O1
//#Stdout: absent: function no, data no, pointer no, table no
//#Stdout: given: function 3, data 4, pointer yes, table yes
//#Stdout: replaced: program's, kept: library's
// Weak references of a library that nobody satisfies are null; the program's strong definition replaces the
// library's weak one.
#include <stdio.h>

int given_function(void) { return 3; }
int given_data = 4;
const char *replaced(void) { return "program's"; }
void absent(void), given(void);
const char *call_replaced(void), *call_kept(void);

int main(void) {
    absent();
    given();
    printf("replaced: %s, kept: %s\n", call_replaced(), call_kept());
    return 0;
}
