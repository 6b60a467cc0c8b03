//#Shared: libi.so = lib.c
//#Stdout: the library calls: program's helper
//#Stdout: the library reads: 2
//#Stdout: the program calls: library's other
// The program's definitions come before those of libraries, also inside of the libraries.
#include <stdio.h>

const char *helper(void) { return "program's helper"; }
int setting = 2;
const char *library_calls(void);
int library_reads(void);
const char *other(void);

int main(void) {
    printf("the library calls: %s\n", library_calls());
    printf("the library reads: %d\n", library_reads());
    printf("the program calls: %s\n", other());
    return 0;
}
