#include <stdlib.h>

int host_service(int);
int host_compare(const void *, const void *);

int plugin_run(int x) { return host_service(x); }
void plugin_sort(int *numbers, int count) { qsort(numbers, count, sizeof *numbers, host_compare); }
