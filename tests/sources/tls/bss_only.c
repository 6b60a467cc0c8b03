//#Flags: -pthread
//#Modes: pie nopie static
//#Stdout: 0 1
//#Stdout: 0 1
// A TLS segment without any bytes in the file.
#include <pthread.h>
#include <stdio.h>

static __thread int zero;

static void *show(void *unused) {
    int before = zero++;
    printf("%d %d\n", before, zero);
    return NULL;
}

int main(void) {
    show(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, show, NULL);
    pthread_join(thread, NULL);
    return 0;
}
