//#Shared: liba.so = a.c
//#Shared: libb.so = b.c
//#SharedFlags: libb.so = liba.so
//#Object: absolute.c
//#FileFlags: absolute.c = -fno-pic -fno-pie
//#Modes: nopie
//#Link: main.c absolute.c liba.so libb.so
//#Stdout: function: all 8 are one: yes
//#Stdout: in its own library: yes
//#Stdout: calls 5 5 5
// A function's address is the same in the program, in its own library, in another, in data, and for dlsym.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

typedef int (*Function)(void);
int function(void), static_address_is_one(void);
Function a_code(void), a_data(void), b_code(void), b_data(void), absolute_code(void), absolute_data(void);
static Function in_data = function;

int main(void) {
    Function all[] = {function,        in_data,       a_code(),       a_data(), b_code(),
                      b_data(), absolute_code(), absolute_data()};
    int same = dlsym(RTLD_DEFAULT, "function") == (void *)all[0];
    for (int i = 1; i < 8; i++)
        same &= all[i] == all[0];
    printf("function: all 8 are one: %s\n", same ? "yes" : "no");
    printf("in its own library: %s\n", static_address_is_one() ? "yes" : "no");
    printf("calls %d %d %d\n", all[0](), a_data()(), b_code()());
    return 0;
}
