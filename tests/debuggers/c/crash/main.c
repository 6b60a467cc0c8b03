//#Modes: pie nopie static-pie
//#Flags: -g
//#Object: library.c
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct node { int value; struct node *next; };
static struct node third = {3, NULL}, second = {2, &third}, first = {1, &second};
static char buffer[64] = "written before the end";
int counter = 12;
int in_other(int x, struct node *node);
static int sum(struct node *node, int depth) {
    int value = node->value;
    if (depth == 0)
        return value;
    return value + sum(node->next, depth - 1);
}
static int die(const char *how) {
    int local = counter + 1;
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "segv"))
        local = sum(&first, 5);
    if (!strcmp(how, "library"))
        local = (int)strlen((const char *)16);
    if (!strcmp(how, "other"))
        local = in_other(3, NULL);
    if (!strcmp(how, "ill"))
        __builtin_trap();
    return local;
}
int main(int argc, char **argv) {
    strcat(buffer, "!");
    return die(argv[1]);
}
