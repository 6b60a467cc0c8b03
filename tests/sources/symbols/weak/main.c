//#Object: strong.c weak.c
//#Modes: pie nopie static
//#Stdout: overridden: strong
//#Stdout: only weak: weak
//#Stdout: missing function: absent
//#Stdout: missing variable: absent
//#Stdout: data: 2
// A strong definition wins over a weak one wherever it stands, and an undefined weak symbol is zero.
#include <stdio.h>

const char *overridden(void);
const char *only_weak(void);
__attribute__((weak)) void missing_function(void);
extern __attribute__((weak)) int missing_variable;
__attribute__((weak)) int data = 1;

int main(void) {
    printf("overridden: %s\n", overridden());
    printf("only weak: %s\n", only_weak());
    printf("missing function: %s\n", missing_function ? "present" : "absent");
    printf("missing variable: %s\n", &missing_variable ? "present" : "absent");
    printf("data: %d\n", data);
    return 0;
}
