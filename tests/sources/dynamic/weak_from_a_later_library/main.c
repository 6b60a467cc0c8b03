//#Shared: libone.so = one.c
//#Shared: libtwo.so = two.c
//#Link: main.c -Wl,--as-needed libone.so -Wl,--no-as-needed libtwo.so
//#Flags: -O1
//#Stdout: from library 2
// A library that weak references do not make needed leaves them to the next one.
#include <stdio.h>

__attribute__((weak)) int which(void);

int main(void) {
    printf("from library %d\n", which ? which() : 0);
    return 0;
}
