//#Shared: libv.so = lib.c
//#Object: other.c
//#Stdout: other's hidden: 10
//#Stdout: library's hidden: 20
//#Stdout: library's protected: 30
//#Stdout: interposed default: 100
// A hidden symbol of the program and one of a library do not meet; a protected one binds inside its
// library; a default one is interposed by the program.
#include <stdio.h>

int call_hidden(void);
int library_hidden(void);
int library_protected(void);
int library_default(void);
int default_function(void) { return 100; }
int protected_function(void) { return 200; }

int main(void) {
    printf("other's hidden: %d\n", call_hidden());
    printf("library's hidden: %d\n", library_hidden());
    printf("library's protected: %d\n", library_protected());
    printf("interposed default: %d\n", library_default());
    return 0;
}
