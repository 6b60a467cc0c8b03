//#Shared: libtls.so = lib.c
//#Flags: -O1 -pthread
//#Stdout: 8 9
//#Stdout: 8 9
// A library uses a thread-local variable that the program defines.
#include <pthread.h>
#include <stdio.h>

__thread int program_variable = 8;
int library_reads(void);

static void *show(void *unused) {
    printf("%d", library_reads());
    program_variable++;
    printf(" %d\n", library_reads());
    return NULL;
}

int main(void) {
    show(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, show, NULL);
    pthread_join(thread, NULL);
    return 0;
}
