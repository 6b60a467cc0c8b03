#include <stdio.h>

#define IFUNC(name, number, visible, storage)                                                              \
    static int name##_implementation(void) { return number; }                                              \
    static int (*name##_resolver(void))(void) { return name##_implementation; }                            \
    storage __attribute__((ifunc(#name "_resolver"))) visible int name(void);
#define V(kind) __attribute__((visibility(#kind)))

IFUNC(exported, 1, V(default), )
IFUNC(hidden, 2, V(hidden), )
IFUNC(protect, 3, V(protected), )
IFUNC(own, 4, , static)

int (*pointers[])(void) = {exported, hidden, protect, own};
static int (*const volatile constant)(void) = hidden;
void inside(void) {
    printf("exported %d hidden %d protected %d static %d\n", exported(), hidden(), protect(), own());
}
int (*library_address(void))(void) { return exported; }
int call_hidden_pointers(void) {
    int (*volatile code)(void) = hidden;
    return code() * 10 + constant();
}
