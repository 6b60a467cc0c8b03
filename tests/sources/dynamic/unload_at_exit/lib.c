#include <stdio.h>

int called_at_the_end(int);
void anchor(void) {}
__attribute__((constructor)) static void begin(void) { puts("library begins"); }
__attribute__((destructor)) static void end(void) {
    printf("library ends, calls program: %d\n", called_at_the_end(2));
}
