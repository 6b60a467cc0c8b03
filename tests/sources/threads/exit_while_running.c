//#Flags: -O1 -pthread
//#Modes: pie nopie
//#Stdout: main ends
// The program ends while other threads are in the middle of things.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_barrier_t started;
static volatile unsigned long counter;

static void *spin(void *unused) {
    pthread_barrier_wait(&started);
    for (;;)
        counter++;
}

int main(void) {
    pthread_barrier_init(&started, NULL, 4);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, spin, NULL);
    }
    pthread_barrier_wait(&started);
    puts("main ends");
    exit(0);
}
