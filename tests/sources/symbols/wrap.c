//#LinkFlags: -Wl,--wrap=compute -Wl,--wrap=puts
//#Modes: pie nopie static
//#Stdout: wrapped hello
//#Stdout: 22
// --wrap redirects references to the wrapper and lets the wrapper reach the original.
#include <stdio.h>

int compute(int);
int __real_compute(int);
int __real_puts(const char *);

int __wrap_compute(int x) { return x * 2; }

int __wrap_puts(const char *text) {
    printf("wrapped ");
    return __real_puts(text);
}

int main(void) {
    puts("hello");
    printf("%d\n", compute(11));
    return 0;
}
