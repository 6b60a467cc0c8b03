//#Flags: -O1 -pthread -fexceptions -I$SRC/../../include
//#Modes: pie nopie static
//#LinkFlags: -Wl,-u,pthread_cancel
//#Stdout: a constructor starts a thread: yes
//#Stdout: destructors of a thread's values: yes
//#Stdout: such with all blocked: yes
//#Stdout: such of C11: yes
//#Stdout: pthread_exit: yes
//#Stdout: pthread_cancel: yes
//#Stdout: atexit and on_exit: yes
//#Stdout: quick_exit: yes
//#Stdout: exit in a thread: yes
//#Stdout: main ends before the other: yes
//#Stdout: atexit with all blocked: yes
//#Stdout: exit in a handler: yes
// What is run at the ends of threads and of the program is code that nobody has touched until then.
#define _GNU_SOURCE
#include "cases.h"
#include <pthread.h>
#include <signal.h>
#include <threads.h>

static pthread_key_t key, second_key;
static volatile int destroyed, cleaned;

UNTOUCHED static void destroys(void *value) {
    ALONE;
    destroyed += (int)(long)value;
    if ((long)value == 1)
        pthread_setspecific(second_key, (void *)10l); // one more round
}
UNTOUCHED static void destroys_too(void *value) {
    ALONE;
    destroyed += (int)(long)value;
}
UNTOUCHED static void cleans(void *value) {
    ALONE;
    cleaned += (int)(long)value;
}
static void *sets_key(void *unused) {
    pthread_setspecific(key, (void *)1l);
    return NULL;
}
static int join(void *(*body)(void *), void **result) {
    pthread_t thread;
    return pthread_create(&thread, NULL, body, NULL) == 0 && pthread_join(thread, result) == 0;
}
static int destructors(void) {
    pthread_key_create(&key, destroys);
    pthread_key_create(&second_key, destroys_too);
    return join(sets_key, NULL) && destroyed == 11;
}
static void *blocks_and_sets_key(void *unused) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    return sets_key(NULL);
}
static int destructors_blocked(void) {
    pthread_key_create(&key, destroys);
    pthread_key_create(&second_key, destroys_too);
    return join(blocks_and_sets_key, NULL) && destroyed == 11;
}
static int destructors_of_c11(void) {
    tss_t tss;
    thrd_t thread;
    tss_create(&tss, destroys_too);
    key = tss;
    return thrd_create(&thread, (thrd_start_t)(void *)sets_key, NULL) == thrd_success &&
           thrd_join(thread, NULL) == thrd_success && destroyed == 1;
}
static void *exits_inside(void *unused) {
    pthread_cleanup_push(cleans, (void *)4l);
    pthread_exit((void *)5l);
    pthread_cleanup_pop(0);
    return NULL;
}
static int by_pthread_exit(void) {
    void *result;
    return join(exits_inside, &result) && (long)result == 5 && cleaned == 4;
}
static pthread_barrier_t barrier;
static void *waits(void *unused) {
    pthread_cleanup_push(cleans, (void *)3l);
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
    return NULL;
}
static int by_cancellation(void) {
    pthread_t thread;
    void *result;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, waits, NULL);
    pthread_barrier_wait(&barrier);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED && cleaned == 3;
}

// These end the program themselves, with 0 if all is right: it is the last that decides.
static volatile int steps;
UNTOUCHED static void last_step(void) {
    ALONE;
    _exit(steps != 3);
}
UNTOUCHED static void first_step(void) {
    ALONE;
    steps += 1;
}
UNTOUCHED static void step_with_status(int status, void *argument) {
    ALONE;
    steps += status == 9 && argument == &steps ? 2 : 100;
}
static int at_exit(void) {
    atexit(last_step), on_exit(step_with_status, (void *)&steps), atexit(first_step);
    exit(9);
}
static int at_quick_exit_(void) {
    steps = 2;
    at_quick_exit(last_step), at_quick_exit(first_step);
    quick_exit(9);
}
static void *exits_program(void *unused) {
    atexit(last_step), on_exit(step_with_status, (void *)&steps), atexit(first_step);
    exit(9);
}
static int in_a_thread(void) { return join(exits_program, NULL) * 0; }
static void *goes_on(void *main_thread) {
    pthread_join(*(pthread_t *)main_thread, NULL);
    steps = untouched(1);
    atexit(last_step), atexit(first_step);
    return NULL;
}
static int main_first(void) {
    static pthread_t self, thread;
    self = pthread_self();
    pthread_create(&thread, NULL, goes_on, &self);
    pthread_exit(NULL);
}
static void blocked_step(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
}
static int at_exit_blocked(void) {
    steps = 2;
    atexit(last_step), atexit(first_step), atexit(blocked_step);
    exit(9);
}
static void on_term(int signal) { exit(9); }
static int in_a_handler(void) {
    atexit(last_step), on_exit(step_with_status, (void *)&steps), atexit(first_step);
    signal(SIGTERM, on_term);
    raise(SIGTERM);
    return 0;
}

static volatile int thread_of_constructor;
static void *started_early(void *unused) { return (void *)(long)untouched(6); }
__attribute__((constructor)) static void starts_a_thread(void) {
    void *result;
    thread_of_constructor = join(started_early, &result) ? (int)(long)result : -1;
}
static int by_constructor(void) { return thread_of_constructor == 7; }

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"a constructor starts a thread", by_constructor},
        {"destructors of a thread's values", destructors},
        {"such with all blocked", destructors_blocked},
        {"such of C11", destructors_of_c11},
        {"pthread_exit", by_pthread_exit},
        {"pthread_cancel", by_cancellation},
        {"atexit and on_exit", at_exit},
        {"quick_exit", at_quick_exit_},
        {"exit in a thread", in_a_thread},
        {"main ends before the other", main_first},
        {"atexit with all blocked", at_exit_blocked},
        {"exit in a handler", in_a_handler},
        {},
    });
}
