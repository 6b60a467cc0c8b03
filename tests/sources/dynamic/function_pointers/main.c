//#Shared: libf.so = lib.c
//#FileFlags: absolute.c = -fno-pic -fno-pie
//#Modes: nopie
//#Object: absolute.c position_independent.c
//#FileFlags: position_independent.c = -fPIC
//#Stdout: all five addresses are one: yes
//#Stdout: 8 8 8
// A function has one address in the program and in its libraries, even where the program takes it in
// code that was not compiled to be position-independent. The PLT entry becomes that address.
#include <stdio.h>

int function(int);
int (*address_in_library(void))(int);
int (*address_absolute(void))(int);
int (*address_from_got(void))(int);
static int (*in_data)(int) = function;

int main(void) {
    int (*here)(int) = function;
    int same = here == address_in_library() && here == address_absolute() &&
               here == address_from_got() && here == in_data;
    printf("all five addresses are one: %s\n", same ? "yes" : "no");
    printf("%d %d %d\n", here(4), address_absolute()(4), function(4));
    return 0;
}
