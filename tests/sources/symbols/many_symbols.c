//#Flags: -O0
//#Modes: pie nopie
//#Stdout: 32640
// A few hundred functions whose addresses stand in a table.
#include <stdio.h>

#define F1(n) static int f##n(void) { return 0x##n; }
#define F4(n) F1(n##0) F1(n##1) F1(n##2) F1(n##3) F1(n##4) F1(n##5) F1(n##6) F1(n##7) \
    F1(n##8) F1(n##9) F1(n##a) F1(n##b) F1(n##c) F1(n##d) F1(n##e) F1(n##f)
F4(0) F4(1) F4(2) F4(3) F4(4) F4(5) F4(6) F4(7) F4(8) F4(9) F4(a) F4(b) F4(c) F4(d) F4(e) F4(f)
#define P4(n) f##n##0, f##n##1, f##n##2, f##n##3, f##n##4, f##n##5, f##n##6, f##n##7, \
    f##n##8, f##n##9, f##n##a, f##n##b, f##n##c, f##n##d, f##n##e, f##n##f,
static int (*const table[])(void) = {P4(0) P4(1) P4(2) P4(3) P4(4) P4(5) P4(6) P4(7) P4(8) P4(9)
    P4(a) P4(b) P4(c) P4(d) P4(e) P4(f)};

int main(void) {
    int sum = 0;
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        sum += table[i]();
    printf("%d\n", sum);
    return 0;
}
