//#Flags: -O1 -pthread -fexceptions -I$SRC/../../include
//#Modes: pie nopie
//#Stdout: cleaned up
//#Stdout: cancelled: yes
// Cancellation unwinds the thread through the program's unwind tables.
#include "untouched.h"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

UNTOUCHED static void clean_up(void *unused) {
    ALONE;
    puts("cleaned up");
}

static void *body(void *unused) {
    pthread_cleanup_push(clean_up, NULL);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void) {
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, body, NULL);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("cancelled: %s\n", result == PTHREAD_CANCELED ? "yes" : "no");
    return 0;
}
