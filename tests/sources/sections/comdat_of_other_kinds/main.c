//#Object: first.S second.S
//#Link: main.c first.S second.S
//#Stdout: 1 1
// Of groups with one signature the first is kept, whatever the others look like.
#include <stdio.h>

extern long shared_value, shared_function(void);

int main(void) {
    printf("%ld %ld\n", shared_value, shared_function());
    return 0;
}
