//#Shared: libn.so = lib.c
//#LinkFlags: -Wl,-z,lazy
//#Flags: -fno-plt -O1
//#FileFlags: with_plt.c = -fplt
//#Object: with_plt.c
//#Stdout: 3.5 4.5
// Calls through the PLT, bound at the first call, and calls through the GOT, with arguments in vector
// registers.
#include <stdio.h>

double f(double);
double through_plt(double);

int main(void) {
    printf("%.1f %.1f\n", f(2.5), through_plt(2.5));
    return 0;
}
