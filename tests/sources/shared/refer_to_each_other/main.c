//#Shared: liba.so = a.c
//#Shared: libb.so = b.c
//#SharedFlags: libb.so = liba.so
//#Link: main.c liba.so libb.so
//#LinkFlags: -rdynamic
//#Flags: -O1
//#Stdout: 120
//#Stdout: sorted by the program: 1 2 3
//#Stdout: names: a_calls program
// Libraries that call each other and the program, without having been linked against all of these.
#include <stdio.h>
#include <stdlib.h>

long factorial(long), (*a_pointer(void))(long);
void a_sort(int *, int);
void a_names(void);
int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
const char *program_name = "program";

int main(void) {
    printf("%ld\n", a_pointer()(5));
    int numbers[] = {2, 3, 1};
    a_sort(numbers, 3);
    printf("sorted by the program: %d %d %d\n", numbers[0], numbers[1], numbers[2]);
    a_names();
    return 0;
}
