//#Shared: libi.so = lib.c other.c
//#Shared: libuser.so = user.c
//#SharedFlags: libuser.so = libi.so
//#Flags: -O1
//#Stdout: exported 1 hidden 2 protected 3 static 4
//#Stdout: from the other object 1 2
//#Stdout: pointers 1 2 3 4
//#Stdout: exported is one: yes, pointers to hidden 22
//#Stdout: from the program 1, from a library 1
//#Stdout: dlsym calls 1
// Indirect functions of a library of all visibilities; called, through pointers in data and in the GOT.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int exported(void), other_exported(void), other_hidden(void), user(void), (*user_address(void))(void);
void inside(void);
int (*library_address(void))(void), (*library_pointer(void))(void), call_hidden_pointers(void);

int main(void) {
    inside();
    printf("from the other object %d %d\n", other_exported(), other_hidden());
    int (**pointers)(void) = dlsym(RTLD_DEFAULT, "pointers");
    printf("pointers %d %d %d %d\n", pointers[0](), pointers[1](), pointers[2](), pointers[3]());
    int (*volatile here)(void) = exported;
    int same = here == library_address() && here == pointers[0] && here == user_address();
    printf("exported is one: %s, pointers to hidden %d\n", same ? "yes" : "no", call_hidden_pointers());
    printf("from the program %d, from a library %d\n", exported(), user());
    int (*found)(void) = dlsym(RTLD_DEFAULT, "exported");
    printf("dlsym calls %d\n", found());
    return 0;
}
