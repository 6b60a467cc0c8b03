//#Flags: -O1 -fno-builtin -pthread
//#LinkFlags: -pthread
//#Modes: pie nopie static
//#Stdout: first call before main: yes
//#Stdout: untouched code within it: yes
//#Stdout: in threads: yes
//#Stdout: its lock was never taken twice: yes
// An allocator that blocks all signals, takes a lock, and then runs code that was never
// touched. The dynamic linker calls it first.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char pool[8 << 20] __attribute__((aligned(16)));
static size_t used;
static atomic_flag lock = ATOMIC_FLAG_INIT;
static _Thread_local int inside;
static int calls, calls_before_main, nested;

__attribute__((noinline)) static size_t rounded(size_t size) {
    FAR(size);
    size = (size + 31) & ~(size_t)15;
    FAR(size);
    return size;
}

void *malloc(size_t size) {
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    if (inside)
        nested = 1;
    while (atomic_flag_test_and_set(&lock))
        ;
    inside = 1;
    calls++;
    size_t *block = (size_t *)(pool + used);
    used += rounded(size);
    block[0] = size;
    inside = 0;
    atomic_flag_clear(&lock);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return used > sizeof pool ? NULL : block + 2;
}
void free(void *pointer) {}
void *calloc(size_t count, size_t size) { return malloc(count * size); }
void *realloc(void *old, size_t size) {
    void *new = malloc(size);
    if (old && new) {
        size_t old_size = ((size_t *)old)[-2];
        memcpy(new, old, old_size < size ? old_size : size);
    }
    return new;
}
void *memalign(size_t alignment, size_t size) { return malloc(size); }
void *aligned_alloc(size_t alignment, size_t size) { return malloc(size); }

__attribute__((constructor)) static void count(void) {
    void *volatile unused = malloc(1);
    calls_before_main = calls;
}
static void *thread(void *unused) {
    char *volatile copy = 0;
    for (int i = 0; i < 100; i++)
        copy = strdup("text");
    return copy;
}

int main(void) {
    pthread_t threads[4];
    printf("first call before main: %s\n", calls_before_main ? "yes" : "no");
    printf("untouched code within it: %s\n", rounded(17) == 48 ? "yes" : "no");
    void *copy = NULL;
    for (int i = 0; i < 4; i++)
        pthread_create(threads + i, NULL, thread, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], &copy);
    printf("in threads: %s\n", copy && !strcmp(copy, "text") ? "yes" : "no");
    printf("its lock was never taken twice: %s\n", nested ? "no" : "yes");
    return 0;
}
