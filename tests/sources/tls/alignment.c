//#Flags: -O1 -pthread
//#Modes: pie nopie static static-pie
//#Stdout: aligned: yes yes yes, values 3 7 0
//#Stdout: aligned: yes yes yes, values 3 7 0
// A large alignment in the TLS image moves every offset from the thread pointer.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

static __thread char small = 3;
static __thread __attribute__((aligned(256))) int large = 7;
static __thread char odd;
static __thread __attribute__((aligned(1024))) char zero[5];

static const char *aligned(void *volatile pointer, uintptr_t alignment) {
    return (uintptr_t)pointer % alignment == 0 ? "yes" : "no";
}

static void *show(void *unused) {
    printf("aligned: %s %s %s, values %d %d %d\n", aligned(&large, 256), aligned(zero, 1024),
           aligned(&small, 1), small, large, zero[4] + odd);
    small++, large++, zero[4]++, odd++;
    return NULL;
}

int main(void) {
    show(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, show, NULL);
    pthread_join(thread, NULL);
    return 0;
}
