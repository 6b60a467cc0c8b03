//#Flags: -O1 -finstrument-functions -fstack-protector-all -fcf-protection=full -fstack-clash-protection -D_FORTIFY_SOURCE=2 -ftrapv
//#Modes: pie nopie static static-pie
//#Stdout: 42, entered 3, left 2
#include "../../fixtures/far.h"
#include <stdio.h>

static int entered, left;
__attribute__((no_instrument_function)) void __cyg_profile_func_enter(void *function, void *caller) {
    FAR(function);
    entered++;
    FAR(function);
}
__attribute__((no_instrument_function)) void __cyg_profile_func_exit(void *function, void *caller) {
    FAR(function);
    left++;
    FAR(function);
}
FAR_FUNCTION(first, 2)
FAR_FUNCTION(second, 40)

int main(void) {
    int value = second(first(0));
    printf("%d, entered %d, left %d\n", value, entered, left);
    return 0;
}
