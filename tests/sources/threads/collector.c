//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: notes the first write to each page: yes
//#Stdout: stops all threads: yes
// What garbage collectors do with signals: pages that may not be written until a handler has noted it, and threads that
// are stopped wherever they are, with everything blocked, while another one runs code that nobody has touched.
#define _GNU_SOURCE
#include "cases.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { THREADS = 4, PAGES = 64, WORLDS = 5 };
#define F(n) UNTOUCHED static long f##n(long x) { ALONE; return x + n; }
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13) F(14) F(15)
static long (*const volatile functions[16])(long) = {f0, f1, f2, f3, f4, f5, f6, f7,
                                                     f8, f9, f10, f11, f12, f13, f14, f15};
static long sum_of_all(long from) {
    long sum = 0;
    for (long i = 0; i < 16; i++)
        sum = functions[(from + i * 5) % 16](sum);
    return sum;
}

static char *heap;
static atomic_int dirty[THREADS * PAGES], wrong, stop;
static pthread_t threads[THREADS];
static pthread_barrier_t start;

UNTOUCHED static void on_write(int signal, siginfo_t *info, void *context) {
    ALONE;
    long page = ((char *)info->si_addr - heap) / 4096;
    if (signal != SIGSEGV || info->si_code != SEGV_ACCERR || page < 0 || page >= THREADS * PAGES)
        _exit(3);
    dirty[page]++;
    mprotect(heap + page * 4096, 4096, PROT_READ | PROT_WRITE);
}
static void *writes(void *number) {
    long own = (long)number;
    pthread_barrier_wait(&start);
    for (long page = own * PAGES; page < (own + 1) * PAGES; page++) {
        heap[page * 4096 + own] = 1;
        wrong += functions[page % 16](1) != 1 + page % 16;
        heap[page * 4096 + own + 100] = 1;
    }
    return NULL;
}
static int write_barrier(void) {
    struct sigaction action = {.sa_sigaction = on_write, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    heap = mmap(NULL, THREADS * PAGES * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_barrier_init(&start, NULL, THREADS);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, writes, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int page = 0; page < THREADS * PAGES; page++)
        wrong += dirty[page] != 1;
    return wrong == 0;
}

static sem_t stopped;
static atomic_int world;
UNTOUCHED static void on_stop(int signal) {
    ALONE;
    sigset_t others;
    int now = world;
    sigfillset(&others);
    sigdelset(&others, SIGUSR2);
    sem_post(&stopped);
    while (world == now)
        sigsuspend(&others);
    sem_post(&stopped);
}
UNTOUCHED static void on_go(int signal) { ALONE; }
static void *runs(void *number) {
    pthread_barrier_wait(&start);
    while (!stop) {
        wrong += sum_of_all((long)number) != 120;
        sched_yield();
    }
    return NULL;
}
static int stops_the_world(void) {
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = on_go;
    sigaction(SIGUSR2, &action, NULL);
    sem_init(&stopped, 0, 0);
    pthread_barrier_init(&start, NULL, THREADS + 1);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, runs, (void *)i);
    pthread_barrier_wait(&start);
    for (int i = 0; i < WORLDS; i++) {
        for (int n = 0; n < THREADS; n++)
            pthread_kill(threads[n], SIGUSR1);
        for (int n = 0; n < THREADS; n++)
            sem_wait(&stopped);
        // All stand still, maybe in the middle of what this one needs.
        wrong += functions[i % 16](1) != 1 + i % 16;
        world++;
        for (int n = 0; n < THREADS; n++)
            pthread_kill(threads[n], SIGUSR2);
        for (int n = 0; n < THREADS; n++)
            sem_wait(&stopped);
    }
    stop = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return wrong == 0 && untouched(1) == 2;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"notes the first write to each page", write_barrier},
        {"stops all threads", stops_the_world},
        {},
    });
}
