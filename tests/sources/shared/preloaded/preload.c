#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count;
static char text[32];
static void *(*next_malloc)(size_t);
static char *(*next_getenv)(const char *);

void *malloc(size_t size) {
    if (!next_malloc)
        next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    count++;
    return next_malloc(size);
}
char *getenv(const char *name) {
    if (strcmp(name, "COUNT_OF_MALLOC") == 0) {
        snprintf(text, sizeof text, "%d", count);
        return text;
    }
    if (!next_getenv)
        next_getenv = (char *(*)(const char *))dlsym(RTLD_NEXT, "getenv");
    return next_getenv(name);
}
int puts(const char *line) { return printf("[preloaded] %s\n", line); }
