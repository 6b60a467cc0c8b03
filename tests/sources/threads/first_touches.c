//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: the same code: yes
//#Stdout: code of their own: yes
//#Stdout: on the least stacks: yes
//#Stdout: while some fork: yes
//#Stdout: while some send signals: yes
//#Stdout: with a fast timer: yes
//#Stdout: with a profile: yes
//#Stdout: with all signals blocked: yes
//#Stdout: and are cancelled: yes
//#Stdout: and the program ends: yes
//#Stdout: and the program starts itself anew: yes
// Sixty-four threads at once touch the same code for the first time, and each its own, in an order of its own, while
// others fork, send signals or end.
#define _GNU_SOURCE
#include "cases.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#define THREADS 64
// Each is the only one that begins in its chunk.
#define F(n) __attribute__((aligned(65536), noipa)) static long f##n(long x) { return x + 0##n; }
#define F8(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7)
F8(0) F8(1) F8(2) F8(3) F8(4) F8(5) F8(6) F8(7)
UNTOUCHED static long last(long x) { // so that nothing else lies behind the others
    ALONE;
    return x;
}
#define P8(n) f##n##0, f##n##1, f##n##2, f##n##3, f##n##4, f##n##5, f##n##6, f##n##7
static long (*const volatile functions[THREADS])(long) = {P8(0), P8(1), P8(2), P8(3), P8(4), P8(5), P8(6), P8(7)};

static pthread_barrier_t start;
static pthread_t threads[THREADS];
static atomic_int wrong;

// All functions, beginning with `first`, by steps of `step`.
static int all_right(long first, long step) {
    long sum = 0;
    for (long i = 0; i < THREADS; i++)
        sum = functions[(first + i * step) % THREADS](sum);
    return sum == 63 * 64 / 2;
}
static void *own_first(void *number) {
    pthread_barrier_wait(&start);
    long n = (long)number;
    wrong += functions[n](1000) != 1000 + n;
    wrong += !all_right(n, 2 * n + 1);
    return NULL;
}
static void *same(void *number) {
    pthread_barrier_wait(&start);
    wrong += !all_right(0, 1);
    return NULL;
}
static int run(void *(*body)(void *), size_t stack_size) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack_size)
        pthread_attr_setstacksize(&attributes, stack_size);
    pthread_barrier_init(&start, NULL, THREADS);
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], &attributes, body, (void *)i))
            return 0;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return wrong == 0 && last(5) == 5;
}
static int same_code(void) { return run(same, 0); }
static int own_code(void) { return run(own_first, 0); }
static int least_stacks(void) { return run(own_first, sysconf(_SC_THREAD_STACK_MIN)); }

static int child_is_right(long n) {
    int status;
    pid_t pid = fork(), got;
    if (pid == 0)
        _exit(all_right(n, 5) ? 7 : 8);
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
    }
    return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}
static void *touches_or_forks(void *number) {
    pthread_barrier_wait(&start);
    long n = (long)number;
    wrong += n % 16 == 3 ? !child_is_right(n) : !all_right(n, 3);
    return NULL;
}
static int some_fork(void) { return run(touches_or_forks, 0); }

static atomic_int handled;
UNTOUCHED static void handler(int signal) {
    ALONE;
    handled++;
    wrong += !all_right(handled, 7);
}
static void *touches_or_signals(void *number) {
    long n = (long)number;
    pthread_barrier_wait(&start);
    if (n % 8 == 1)
        wrong += pthread_kill(threads[(n + 1) % THREADS], SIGUSR1) != 0;
    wrong += !all_right(n, 9);
    pthread_barrier_wait(&start); // none ends before all signals are sent
    return NULL;
}
static int some_signal(void) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    return run(touches_or_signals, 0) && handled == THREADS / 8;
}
static void *with_timer(void *number) {
    pthread_barrier_wait(&start);
    do
        wrong += !all_right((long)number, 11);
    while (handled < 50);
    return NULL;
}
static int a_fast_timer(void) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 100}, {0, 100}}, NULL);
    int right = run(with_timer, 0);
    setitimer(ITIMER_REAL, &(struct itimerval){}, NULL);
    return right && handled >= 50;
}
static void *profiled(void *number) {
    pthread_barrier_wait(&start);
    do
        wrong += !all_right((long)number, 13);
    while (handled < 5);
    return NULL;
}
static int a_profile(void) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGPROF, &action, NULL);
    setitimer(ITIMER_PROF, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
    int right = run(profiled, 0);
    setitimer(ITIMER_PROF, &(struct itimerval){}, NULL);
    return right;
}
static void *blocks_and_touches(void *number) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return own_first(number);
}
static int all_blocked(void) { return run(blocks_and_touches, 0); }

// Threads that are cancelled at any instruction, amid first touches; nobody leaves a lock behind.
static void *cancelled_anywhere(void *number) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_barrier_wait(&start);
    for (long i = 0;; i++) {
        if (functions[i % THREADS](i) != i + i % THREADS)
            wrong++;
    }
}
static int cancelled(void) {
    int right = 1;
    pthread_barrier_init(&start, NULL, 9);
    for (long i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, cancelled_anywhere, (void *)i);
    pthread_barrier_wait(&start);
    for (int i = 0; i < 8; i++)
        pthread_cancel(threads[i]);
    for (int i = 0; i < 8; i++) {
        void *result;
        pthread_join(threads[i], &result);
        right &= result == PTHREAD_CANCELED;
    }
    return right && wrong == 0 && all_right(0, 1) && last(1) == 1;
}
static void *spins(void *number) {
    pthread_barrier_wait(&start);
    for (;;)
        wrong += !all_right((long)number, 3);
}
static int ends_amid(void) {
    pthread_barrier_init(&start, NULL, 9);
    for (long i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, spins, (void *)i);
    pthread_barrier_wait(&start);
    exit(wrong); // which is right
}
static int starts_anew_amid(void) {
    if (case_argc)
        return last(1) == 1;
    pthread_barrier_init(&start, NULL, 9);
    for (long i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, spins, (void *)i);
    pthread_barrier_wait(&start);
    execl("/proc/self/exe", "app", "10", "again", NULL);
    return 0;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"the same code", same_code},
        {"code of their own", own_code},
        {"on the least stacks", least_stacks},
        {"while some fork", some_fork},
        {"while some send signals", some_signal},
        {"with a fast timer", a_fast_timer},
        {"with a profile", a_profile},
        {"with all signals blocked", all_blocked},
        {"and are cancelled", cancelled},
        {"and the program ends", ends_amid},
        {"and the program starts itself anew", starts_anew_amid},
        {},
    });
}
