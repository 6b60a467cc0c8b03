//#Shared: libv.so = lib.c
//#Modes: nopie pie
//#Flags: -O1
//#Stdout: program 1, library 1, by pointer 1
//#Stdout: program 5, library 5, by pointer 5
//#Stdout: third 30, library's pointer into the array agrees: yes
//#Stdout: text constant
//#Stdout: one address: yes
// The program's copy of a library's variable is the one that the library uses as well, also in its own
// pointers with addends.
#include <stdio.h>

extern int variable, array[4];
extern const char text[];
int get(void), get_by_pointer(void);
void set(int);
int *address(void), *third(void);

int main(void) {
    printf("program %d, library %d, by pointer %d\n", variable, get(), get_by_pointer());
    set(5);
    printf("program %d, library %d, by pointer %d\n", variable, get(), get_by_pointer());
    printf("third %d, library's pointer into the array agrees: %s\n", array[2], third() == &array[2] ? "yes" : "no");
    printf("text %s\n", text);
    printf("one address: %s\n", address() == &variable ? "yes" : "no");
    return 0;
}
