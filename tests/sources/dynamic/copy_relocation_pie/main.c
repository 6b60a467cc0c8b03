//#Shared: libv.so = lib.c
//#Flags: -O1
//#Modes: pie nopie
//#Stdout: 5 6
//#Stdout: stdout is one: yes
// gcc's PIEs copy variables of libraries too; stdout and stderr are the ones that everybody uses.
#include <stdio.h>

extern int value;
extern struct { long first, second; char text[30]; } record;
int bump(void);
FILE *library_stdout(void);

int main(void) {
    fprintf(stdout, "%d %d\n", value, bump());
    fprintf(stdout, "stdout is one: %s\n", library_stdout() == stdout ? "yes" : "no");
    if (value != 6 || record.second != 2 || record.text[0] != 'r')
        fprintf(stderr, "wrong\n");
    return 0;
}
