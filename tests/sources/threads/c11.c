//#Flags: -O1 -pthread
//#Modes: pie nopie static
//#Stdout: once 1, sum 45
// The threads of C11.
#include <stdio.h>
#include <threads.h>

static once_flag flag = ONCE_FLAG_INIT;
static mtx_t mutex;
static int once_count, sum;
static void once(void) { once_count++; }
static int body(void *number) {
    call_once(&flag, once);
    mtx_lock(&mutex);
    sum += (int)(long)number;
    mtx_unlock(&mutex);
    return 0;
}

int main(void) {
    thrd_t threads[10];
    mtx_init(&mutex, mtx_plain);
    for (long i = 0; i < 10; i++)
        thrd_create(&threads[i], body, (void *)i);
    for (int i = 0; i < 10; i++)
        thrd_join(threads[i], NULL);
    printf("once %d, sum %d\n", once_count, sum);
    return 0;
}
