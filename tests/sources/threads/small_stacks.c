//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: 28
// Threads with the smallest stack that pthreads allow.
#include "untouched.h"
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define F(n) UNTOUCHED static long f##n(void) { ALONE; return n; }
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7)
static long (*volatile functions[])(void) = {f0, f1, f2, f3, f4, f5, f6, f7};

static void *body(void *index) { return (void *)functions[(long)index](); }

int main(void) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstacksize(&attributes, sysconf(_SC_THREAD_STACK_MIN) + 4096))
        return 1;
    long sum = 0;
    for (long i = 0; i < 8; i++) {
        pthread_t thread;
        void *result;
        if (pthread_create(&thread, &attributes, body, (void *)i))
            return 2;
        pthread_join(thread, &result);
        sum += (long)result;
    }
    printf("%ld\n", sum);
    return 0;
}
