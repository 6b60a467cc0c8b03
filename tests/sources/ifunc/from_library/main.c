//#Shared: libi.so = lib.c
//#Flags: -O1
//#Stdout: 3 3
//#Stdout: the library agrees: yes
// An indirect function of a library is an ordinary one to the program.
#include <stdio.h>

int function(void);
int (*library_address(void))(void);

int main(void) {
    int (*volatile here)(void) = function;
    printf("%d %d\n", function(), here());
    printf("the library agrees: %s\n", here == library_address() ? "yes" : "no");
    return 0;
}
