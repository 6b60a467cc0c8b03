#define _GNU_SOURCE
#include <stdio.h>
static int a, b;
static __thread int tls = 1;
static const void *const constant[] = {&a, &b, &stdout};
static _Alignas(4096) char page[1] = {1};
const void *const *table(void) { return constant; }
const char *aligned(void) { return page; }
int value(void) { return tls + page[0] + a + b; }
