//#Modes: pie nopie static static-pie
//#Flags: -O1
//#Stdout: 100000 pointers are right
//#Stdout: 1000 constant pointers are right
//#Stdout: one past the end is right
// A large table of pointers, each of which is a relocation, with addends.
#include <stdio.h>

static char target[100000];
#define P1(n) target + (n),
#define P10(n) P1(n) P1(n + 1) P1(n + 2) P1(n + 3) P1(n + 4) P1(n + 5) P1(n + 6) P1(n + 7) \
    P1(n + 8) P1(n + 9)
#define P100(n) P10(n) P10(n + 10) P10(n + 20) P10(n + 30) P10(n + 40) P10(n + 50) P10(n + 60) \
    P10(n + 70) P10(n + 80) P10(n + 90)
#define P1000(n) P100(n) P100(n + 100) P100(n + 200) P100(n + 300) P100(n + 400) P100(n + 500) \
    P100(n + 600) P100(n + 700) P100(n + 800) P100(n + 900)
#define P10000(n) P1000(n) P1000(n + 1000) P1000(n + 2000) P1000(n + 3000) P1000(n + 4000) \
    P1000(n + 5000) P1000(n + 6000) P1000(n + 7000) P1000(n + 8000) P1000(n + 9000)

static char *table[] = {P10000(0) P10000(10000) P10000(20000) P10000(30000) P10000(40000)
    P10000(50000) P10000(60000) P10000(70000) P10000(80000) P10000(90000)};
static char *const constants[] = {P1000(0)};
static char *end = target + sizeof target;

int main(void) {
    char **volatile pointers = table;
    char *const *volatile constant_pointers = constants;
    int right = 0;
    for (int i = 0; i < 100000; i++)
        right += pointers[i] == target + i;
    printf("%d pointers are right\n", right);
    right = 0;
    for (int i = 0; i < 1000; i++)
        right += constant_pointers[i] == target + i;
    printf("%d constant pointers are right\n", right);
    char *volatile last = end;
    printf("one past the end is %s\n", last == &target[100000] ? "right" : "wrong");
    return 0;
}
