//#Archive: libused.a = used.c
//#Flags: -ffunction-sections -fdata-sections -O1
//#LinkFlags: -Wl,--gc-sections
//#Modes: pie nopie static
//#Stdout: used 4
//#Stdout: kept: 8
// Under --gc-sections, a reference to an undefined symbol is no error as long as only dead
// sections make it; what is kept by its name stays.
#include <stdio.h>

int used(int);
int nowhere_to_be_found(void);
extern int nothing_here;

int dead_function(void) { return nowhere_to_be_found() + nothing_here; }
int *dead_pointer = &nothing_here;

static int __attribute__((section("kept_set"), used)) kept = 8;
extern int __start_kept_set[], __stop_kept_set[];

int main(void) {
    printf("used %d\n", used(2));
    int sum = 0;
    for (int *entry = __start_kept_set; entry < __stop_kept_set; entry++)
        sum += *entry;
    printf("kept: %d\n", sum);
    return 0;
}
