//#Modes: pie nopie
//#Flags: -g -pthread
#include <pthread.h>
#include <stdio.h>
static volatile int ready, go;
static int sum;
static int innermost(int number) {
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (!go) {}
    return number * 2;
}
static int middle(int number) { return innermost(number + 1) + 1; }
static void *run(void *argument) { return (void *)(long)middle(10 * (int)(long)argument); }
static int all_there(int threads) { return threads + 1; }
int main(void) {
    pthread_t threads[3];
    for (long i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, run, (void *)i);
        while (ready != i + 1) {}
    }
    int there = all_there(3);
    go = 1;
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (int)(long)result;
    }
    printf("%d %d\n", there, sum);
    return 0;
}
