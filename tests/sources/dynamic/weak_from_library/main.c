//#Shared: libw.so = lib.c
//#Flags: -O1
//#Stdout: present: 5, variable 6
//#Stdout: absent
// Weak references that a shared library satisfies, and one that nobody does.
#include <stdio.h>

int needed(void);
__attribute__((weak)) int present(void);
extern __attribute__((weak)) int present_variable;
__attribute__((weak)) int absent(void);

int main(void) {
    if (needed() && present && &present_variable)
        printf("present: %d, variable %d\n", present(), present_variable);
    puts(absent ? "present" : "absent");
    return 0;
}
