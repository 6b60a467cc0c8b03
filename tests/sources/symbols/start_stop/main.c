//#Object: other.c
//#Modes: pie nopie static
//#Stdout: 5 entries, sum 31
//#Stdout: the weak set is empty: yes
//#Stdout: the hidden bounds agree: yes
// The bounds of a section whose name is a C identifier are symbols, across all objects.
#include <stdio.h>

#define ENTRY __attribute__((section("registry"), used))
static int ENTRY one = 1;
static int ENTRY two = 2;

extern int __start_registry[], __stop_registry[];
extern __attribute__((weak)) int __start_nothing[], __stop_nothing[];
int bounds_agree(int *start, int *stop);

int main(void) {
    int count = 0, sum = 0;
    for (int *entry = __start_registry; entry < __stop_registry; entry++, count++)
        sum += *entry;
    printf("%d entries, sum %d\n", count, sum);
    printf("the weak set is empty: %s\n", __start_nothing == __stop_nothing ? "yes" : "no");
    printf("the hidden bounds agree: %s\n",
           bounds_agree(__start_registry, __stop_registry) ? "yes" : "no");
    return 0;
}
