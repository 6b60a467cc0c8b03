//#Object: forms.S local.c
//#Shared: libgot.so = library.c
//#Modes: pie nopie
//#Stdout: local: mov 1 call 11 jmp 11 test 1 add 1 sub 1 cmp 1 push 1 adc 1 and 1 or 1 sbb 1 xor 1 imul 1 movl 1
//#Stdout: library: mov 1 call 22 jmp 22 test 1 add 1 sub 1 cmp 1 push 1 adc 1 and 1 or 1 sbb 1 xor 1 imul 1 movl 1
// Instructions that read the GOT. For a symbol of the program the linker may rewrite them so that they no
// longer read it; for a library's it must not. Each routine says whether it found the address.
#include <stdio.h>

#define EACH(DO) DO(mov) DO(call) DO(jmp) DO(test) DO(add) DO(sub) DO(cmp) DO(push) DO(adc) \
    DO(and) DO(or) DO(sbb) DO(xor) DO(imul) DO(movl)
#define DECLARE(form) long local_##form(void *), library_##form(void *);
EACH(DECLARE)

int local_function(void), library_function(void);
extern int local_variable, library_variable;
void *address_of_library_variable(void);

int main(void) {
    printf("local:");
#define LOCAL(form) printf(" " #form " %ld", local_##form(&local_variable));
    EACH(LOCAL)
    printf("\nlibrary:");
#define LIBRARY(form) printf(" " #form " %ld", library_##form(address_of_library_variable()));
    EACH(LIBRARY)
    printf("\n");
    return 0;
}
