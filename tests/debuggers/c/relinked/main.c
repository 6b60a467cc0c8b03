//#Modes: pie nopie
//#Flags: -g
//#Object: part.c
#include <stdio.h>
struct item {
#ifdef BEFORE
    char gone[40];
#endif
    int first;
    long second;
};
int of_part(int x);
#ifdef BEFORE
int removed(int x) { return x; }
#define USE removed(5)
#else
int added(int x) {
    int local = x * 3;
    return local + 1;
}
int new_global = 99;
#define USE added(new_global)
#endif
static struct item item = {.first = 1, .second = 2};
static int stays(int x) {
    int y = of_part(x);
    item.first += y;
    return y;
}
int main(void) {
    int sum = stays(3);
    sum += USE;
    printf("%d\n", sum + item.first);
    return 0;
}
