#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
long b_part(long);
int compare(const void *, const void *);
extern const char *program_name;
long factorial(long n) { return n < 2 ? 1 : b_part(n); }
long (*a_pointer(void))(long) { return factorial; }
void a_sort(int *numbers, int count) { qsort(numbers, count, sizeof *numbers, compare); }
__attribute__((noipa)) static const char *caller(void) {
    Dl_info info;
    dladdr(__builtin_return_address(0), &info);
    return info.dli_sname;
}
void a_calls(void) { printf("names: %s %s\n", caller(), program_name); }
void a_names(void) { a_calls(); }
