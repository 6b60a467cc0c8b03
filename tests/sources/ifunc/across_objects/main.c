//#Object: defines.c user.c
//#FileFlags: user.c = -fPIC
//#Flags: -O1
//#Modes: pie nopie static static-pie
//#Stdout: 10 10
//#Stdout: one address: yes
//#Stdout: the resolver counted 1 or more: yes
// References to an indirect function from other objects: a call through the PLT, an address from
// the GOT, an address in code.
#include <stdio.h>

int function(void);
extern int resolver_calls;
int call_it(void);
int (*get_address(void))(void);

int main(void) {
    int (*volatile here)(void) = function;
    printf("%d %d\n", here(), call_it());
    printf("one address: %s\n", here == get_address() ? "yes" : "no");
    printf("the resolver counted 1 or more: %s\n", resolver_calls >= 1 ? "yes" : "no");
    return 0;
}
