//#Flags: -g3 -gdwarf-5
//#Modes: pie nopie
//#Compiler: gcc clang
//#Stdout: 6
// Debug sections are full of relocations that a lazy linker never looks at.
#include <stdio.h>

struct node { struct node *next; int value; };

int main(void) {
    struct node third = {0, 3}, second = {&third, 2}, first = {&second, 1};
    int sum = 0;
    for (struct node *node = &first; node; node = node->next)
        sum += node->value;
    printf("%d\n", sum);
    return 0;
}
