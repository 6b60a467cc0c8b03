//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie
//#Stdout: main ends
//#Stdout: the thread ends
//#Exit: 0
// main ends by pthread_exit, and the other thread ends the program.
#include "untouched.h"
#include <pthread.h>
#include <stdio.h>

static pthread_t main_thread;

UNTOUCHED static void *other(void *unused) {
    ALONE;
    pthread_join(main_thread, NULL);
    puts("the thread ends");
    return NULL;
}

int main(void) {
    main_thread = pthread_self();
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    puts("main ends");
    fflush(stdout);
    pthread_exit(NULL);
}
