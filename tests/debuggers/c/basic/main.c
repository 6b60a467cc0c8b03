//#Modes: pie nopie static static-pie
//#Flags: -g -O0
//#Object: part.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "part.h"

#ifdef BEFORE
int before(int x) {
    int y = x * 3;
    if (y > 100)
        return before(y - 100);
    return y + 1;
}
#endif

struct point { int x, y; const char *name; double weight; };
enum colour { RED, GREEN, BLUE };
union either { int number; float fraction; };

int counter = 41;
static int hidden = 5;
const char *words[] = {"one", "two", "three"};
struct point origin = {1, 2, "origin", 0.5};
enum colour favourite = GREEN;
__thread int of_thread = 77;
static __thread int hidden_of_thread = 78;

static int inner(int depth, struct point *where) {
    static int calls = 100;
    int local = depth * 2;
    calls += 1;
    where->x += local;
    counter += 1;
    hidden += 2;
    return calls + local;
}

static int outer(int depth) {
    struct point here = {10, 20, "here", 1.5};
    int result = 0;
    for (int i = 0; i < 3; i++) {
        result += inner(depth + i, &here);
        result += of_part(i);
    }
    return result + here.x;
}

int twice(int x) { return x * 2; }

int never_called(int x) {
    int y = twice(x);
    return y + 1;
}

int main(int argc, char **argv) {
    union either value = {.number = 3};
    int total = outer(argc);
    of_thread += 1;
    hidden_of_thread += value.number;
    total += never_called(total);
    printf("total %d, counter %d, hidden %d\n", total, counter, hidden);
    puts(words[2]);
    return origin.x + of_thread + hidden_of_thread == 160 ? 0 : 3;
}
