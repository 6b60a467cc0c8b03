//#Flags: -O1 -pthread -I$SRC/../../include
//#LinkFlags: -pthread
//#Modes: pie nopie static
//#Stdout: same function: 16000
//#Stdout: different functions: 120
// Sixteen threads are released at once, first into one untouched function, then each into its own.
#include "untouched.h"
#include <pthread.h>
#include <stdio.h>

#define THREADS 16
static pthread_barrier_t start;
static long results[THREADS];

UNTOUCHED static long same(long x) {
    ALONE;
    return x + 1000;
}
#define F(n) UNTOUCHED static long own##n(long x) { ALONE; return x + n; }
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
static long (*const own[])(long) = {own0, own1, own2, own3, own4, own5, own6, own7,
    own8, own9, own10, own11, own12, own13, own14, own15};

static void *run_same(void *index) {
    pthread_barrier_wait(&start);
    results[(long)index] = same(0);
    return NULL;
}

static void *run_own(void *index) {
    pthread_barrier_wait(&start);
    results[(long)index] = own[(long)index](0);
    return NULL;
}

static long sum_of(void *(*body)(void *)) {
    pthread_t threads[THREADS];
    long sum = 0;
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, body, (void *)i);
    for (long i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += results[i];
    }
    return sum;
}

int main(void) {
    pthread_barrier_init(&start, NULL, THREADS);
    printf("same function: %ld\n", sum_of(run_same));
    printf("different functions: %ld\n", sum_of(run_own));
    return 0;
}
