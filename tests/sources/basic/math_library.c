//#Flags: -O1 -fno-builtin
//#LinkFlags: -lm
//#Modes: pie nopie static
//#Stdout: 1.4142135624 0.8414709848 2.7182818285
// Functions of libm are IFUNCs in many places, and in libm.a behind a linker script.
#include <math.h>
#include <stdio.h>

int main(int argc, char **argv) {
    double one = argc;
    printf("%.10f %.10f %.10f\n", sqrt(one + 1), sin(one), exp(one));
    return 0;
}
