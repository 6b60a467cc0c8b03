//#Flags: -O1 -fsplit-stack -pthread
//#LinkFlags: -fsplit-stack -pthread
//#Modes: pie
//#Stdout: 100000
// Functions that get more stack when they need it, in a thread that begins with little.
#include "../../fixtures/far.h"
#include <pthread.h>
#include <stdio.h>

__attribute__((noinline)) static int deep(int x) {
    volatile char block[100];
    block[0] = x;
    return x ? deep(x - 1) + 1 : 0;
}
static void *thread(void *unused) {
    int x = 100000;
    FAR(x);
    x = deep(x);
    FAR(x);
    return (void *)(long)x;
}
int main(void) {
    pthread_t id;
    void *result = NULL;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    if (pthread_create(&id, &attributes, thread, NULL) || pthread_join(id, &result))
        return 1;
    printf("%d\n", (int)(long)result);
    return 0;
}
