//#LinkFlags: -Wl,--unresolved-symbols=ignore-all
//#Flags: -fPIC
//#Modes: nopie
//#Stdout: data: none
//#Stdout: pointer: none
//#Stdout: function: none
// What is undefined and ignored is 0. It must not become a reference that the dynamic linker cannot bind.
#include <stdio.h>

extern int missing_data;
int missing_function(void);
int *pointer = &missing_data;

static const char *is_there(const void *address) {
    // The compiler thinks that the address of a symbol is not 0.
    __asm__("" : "+r"(address));
    return address ? "some" : "none";
}

int main(int argc, char **argv) {
    (void)argv;
    printf("data: %s\n", is_there(&missing_data));
    printf("pointer: %s\n", is_there(pointer));
    printf("function: %s\n", is_there((void *)missing_function));
    return argc > 5 ? missing_function() : 0;
}
