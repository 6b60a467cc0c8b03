static char target[9];
#define P(n) target + n,
#define P9 P(0) P(1) P(2) P(3) P(4) P(5) P(6) P(7) P(8)
#define P81 P9 P9 P9 P9 P9 P9 P9 P9 P9
#define P729 P81 P81 P81 P81 P81 P81 P81 P81 P81
static char *writable[] = {P729 P729 P729 P729};
static char *const constant[] = {P729 P729 P729 P729 P729};
/* Pointers far from each other, and one that is not aligned. */
static struct {
    char *a;
    long gap[70];
    char *b;
    long second_gap[1000];
    char *c, *d;
} sparse[1] = {{target + 1, {0}, target + 2, {0}, target + 3, target + 4}};
static struct __attribute__((packed)) {
    char byte;
    char *pointer;
    char *other;
} unaligned = {1, target + 5, target + 6};

static int all(char *const volatile *table, int count) {
    int right = 0;
    for (int i = 0; i < count; i++)
        right += table[i] == target + i % 9;
    return right;
}
static int table(void) {
    return all(writable, sizeof writable / sizeof *writable) + all(constant, sizeof constant / sizeof *constant);
}
static int few(void) {
    volatile typeof(*sparse) *s = sparse;
    volatile typeof(unaligned) *u = &unaligned;
    return (s->a == target + 1) + (s->b == target + 2) + (s->c == target + 3) + (s->d == target + 4) +
           (u->pointer == target + 5) + (u->other == target + 6);
}
