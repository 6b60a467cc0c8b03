//#Shared: libpreload.so = preload.c
//#Modes: pie
//#Link: main.c
//#Env: LD_PRELOAD=$LIB/libpreload.so
//#Stdout: function: 42
//#Stdout: variable: 5
// A weak function and a weak variable that no library of the link defines come from a preloaded one. This is how
// programs offer themselves to profilers.
#include <stdio.h>

extern int optional(int) __attribute__((weak));
extern int optional_value __attribute__((weak));

int main(void) {
    printf("function: %d\n", optional ? optional(40) : -1);
    printf("variable: %d\n", &optional_value ? optional_value : -1);
    return 0;
}
