//#Modes: pie nopie
//#Flags: -g -pthread
//#Object: part.c
//#Shared: libtls.so = library.c
//#SharedFlags: libtls.so = -g
#include <pthread.h>
#include <stdio.h>
__thread int of_thread = 77;
static __thread struct { int a, b; } pair = {1, 2};
extern __thread int of_part;
extern __thread int of_library;
int library(int);

__attribute__((noinline)) int stop_here(int number) { return number; }

static void *run(void *argument) {
    of_thread = 100 + (int)(long)argument;
    pair.b = of_thread * 2;
    of_part += 5;
    library(3);
    stop_here(2);
    return NULL;
}

int main(void) {
    pthread_t thread;
    of_thread++;
    stop_here(1);
    pthread_create(&thread, NULL, run, (void *)7);
    pthread_join(thread, NULL);
    printf("%d %d %d\n", of_thread, of_part, of_library);
    return stop_here(0);
}
