#include <stdio.h>
struct pair { int left, right; };
int of_part(struct pair *pair, int x);
static int counter = 4;
static int inner(int x) {
    static int calls;
    struct pair pair = {x, x + 1};
    calls++;
    counter += of_part(&pair, x);
    return pair.right;
}
int main(int argc, char **argv) {
    int result = inner(argc);
    printf("%d %d\n", result, counter);
    return 0;
}
