#include <stdio.h>
static int zero[100000];
static int data[1000] = {[999] = 70};
int medium_exported[100] = {[1] = 7};
static int small = 0;
static __attribute__((noipa)) int *at(int *array, int index) { return array + index; }
void medium(void) {
    printf("medium: zero %d data %d exported %d", *at(zero, 99999), *at(data, 999), *at(medium_exported, 1));
    *at(zero, 5) = 8;
    medium_exported[2] = 9 + small;
    printf(" after writing %d %d\n", zero[5], *at(medium_exported, 2));
}
