//#Modes: pie nopie static
//#Stdout: libc used our malloc: yes
//#Stdout: copied
// A program that brings its own allocator. libc and ld.so call it before main, from
// their own start-up code.
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char pool[1 << 20] __attribute__((aligned(16)));
static size_t used;
static int calls;

void *malloc(size_t size) {
    calls++;
    size_t *block = (size_t *)(pool + used);
    used += (size + 31) & ~(size_t)15;
    if (used > sizeof pool)
        return NULL;
    block[0] = size;
    return block + 2;
}

void free(void *pointer) {}

void *calloc(size_t count, size_t size) {
    return malloc(count * size); // The pool is zero and nothing is used twice.
}

void *realloc(void *old, size_t size) {
    void *new = malloc(size);
    if (old && new) {
        size_t old_size = ((size_t *)old)[-2];
        memcpy(new, old, old_size < size ? old_size : size);
    }
    return new;
}

int main(void) {
    int before = calls;
    char *copy = strdup("copied");
    printf("libc used our malloc: %s\n", calls > before ? "yes" : "no");
    puts(copy);
    return 0;
}
