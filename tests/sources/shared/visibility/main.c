//#Shared: libv.so = lib.c other.c
//#Flags: -O1
//#Compiler: gcc clang
//#Stdout: default_f found
//#Stdout: protected_f found
//#Stdout: hidden_f not found
//#Stdout: internal_f not found
//#Stdout: hidden_by_other not found
//#Stdout: default_d found
//#Stdout: protected_d found
//#Stdout: hidden_d not found
//#Stdout: sum 1111 2222
//#Stdout: protected function has one address: yes
// All kinds of visibility; the strictest that any object asks for holds.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int sum_functions(void), sum_data(void), protected_f(void);
void *protected_address(void);

int main(void) {
    const char *names[] = {"default_f", "protected_f", "hidden_f", "internal_f", "hidden_by_other",
                           "default_d", "protected_d", "hidden_d"};
    for (int i = 0; i < 8; i++)
        printf("%s %s\n", names[i], dlsym(RTLD_DEFAULT, names[i]) ? "found" : "not found");
    printf("sum %d %d\n", sum_functions(), sum_data());
    printf("protected function has one address: %s\n",
           protected_address() == dlsym(RTLD_DEFAULT, "protected_f") ? "yes" : "no");
    return 0;
}
