//#Object: sequences.S variables.c
//#Flags: -pthread
//#Modes: pie nopie static
//#Stdout: 100 101 102 103 104 105 106
//#Stdout: 100 101 102 103 104 105 106
// Sequences of code for thread-local variables that compilers write rarely: with the GOT-indirect call, with
// other registers, initial-exec by addition, and offsets stored in data.
#include <pthread.h>
#include <stdio.h>

int gd_plt(void), gd_got(void), ld_plt(void), ld_got(void), ie_mov(void), ie_add(void), le_data(void);

static void *show(void *unused) {
    printf("%d %d %d %d %d %d %d\n", gd_plt(), gd_got(), ld_plt(), ld_got(), ie_mov(), ie_add(), le_data());
    return NULL;
}

int main(void) {
    show(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, show, NULL);
    pthread_join(thread, NULL);
    return 0;
}
