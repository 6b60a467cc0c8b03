#include <stdio.h>
#define ENTRY(n) __attribute__((section("numbers"), used)) static int number_##n = n;
extern int __start_numbers[] __attribute__((visibility("hidden"))), __stop_numbers[] __attribute__((visibility("hidden")));
#define SHOW(name, text)                                                                                   \
    void name(void) {                                                                                      \
        printf(text);                                                                                      \
        for (int *number = __start_numbers; number < __stop_numbers; number++)                             \
            printf(" %d", *number);                                                                        \
        printf("\n");                                                                                      \
    }
