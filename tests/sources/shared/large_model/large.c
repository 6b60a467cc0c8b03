#include <stdio.h>
#include <string.h>
static int own = 1;
int exported = 2;
extern int other_data;
static __attribute__((noipa)) int function(void) { return 3; }
int other_function(void);
void large(void) {
    int (*volatile pointer)(void) = function;
    printf("large: own %d exported %d function %d other object %d libc %d\n", own, exported, pointer(),
           other_function() + other_data, (int)strlen("12345"));
}
