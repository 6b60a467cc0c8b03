//#Shared: libv.so = lib.c
//#Flags: -O1
//#Modes: nopie
//#Stdout: 10 10 1 2 3
//#Stdout: the library sees 11
//#Stdout: the alias sees 11
//#Stdout: the alias has one address: yes
//#Stdout: environ and __environ are one: yes
//#Stdout: constant 99
// Code that is not position-independent refers to a library's variables directly, so they move into
// the program, and with each all symbols that name the same place.
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

extern int variable, weak_variable, array[3];
extern const int constant;
extern char **__environ;
int get_variable(void);
int *address_of_alias(void);

int main(void) {
    printf("%d %d %d %d %d\n", variable, weak_variable, array[0], array[1], array[2]);
    weak_variable = 11;
    printf("the library sees %d\n", get_variable());
    printf("the alias sees %d\n", *address_of_alias());
    printf("the alias has one address: %s\n",
           &variable == &weak_variable && &variable == address_of_alias() ? "yes" : "no");
    char **volatile *one = &environ, **volatile *two = &__environ;
    printf("environ and __environ are one: %s\n", one == two && *one ? "yes" : "no");
    printf("constant %d\n", constant);
    return 0;
}
