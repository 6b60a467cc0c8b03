//#Flags: -O1 -pthread
//#Modes: pie nopie static
//#Stdout: 1 0 49995000 p
//#Stdout: 1 0 49995000 p
// A TLS image of several pages, with pointers in it, and a TLS bss far larger than it.
#include <pthread.h>
#include <stdio.h>

static const char text[] = "pointer";
static __thread int first = 1;
static __thread const char *pointer = text;
static __thread int initialised[10000] = {[9999] = 1};
static __thread char zero[1 << 20];

static void *show(void *unused) {
    long sum = 0;
    int *volatile array = initialised;
    if (array[9999] != 1)
        return NULL;
    for (int i = 0; i < 10000; i++)
        sum += array[i] = i;
    printf("%d %d %ld %c\n", first++, zero[sizeof zero - 1]++, sum, *pointer++);
    return NULL;
}

int main(void) {
    show(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, show, NULL);
    pthread_join(thread, NULL);
    return 0;
}
