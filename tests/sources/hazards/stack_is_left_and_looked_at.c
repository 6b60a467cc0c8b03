//#Flags: -O1 -fexceptions -pthread
//#LinkFlags: -pthread
//#Modes: pie nopie static
//#Stdout: longjmp: 42
//#Stdout: siglongjmp from a handler: 42
//#Stdout: cancelled, cleaned up: 42
//#Stdout: pthread_exit, cleaned up: 42
//#Stdout: backtrace in a handler: 1
//#Stdout: _Unwind_Backtrace in a handler on its own stack: 1
//#Stdout: _Unwind_ForcedUnwind: 42
//#Stdout: makecontext: 42
//#Stdout: five chunks that need each other: 42
// Stacks of functions that were never touched, each alone in its chunk, are left, walked, and cleaned up.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>
#include <unwind.h>

static jmp_buf place;
static sigjmp_buf signal_place;
static volatile int value;

#define LEVEL(name, next)                              \
    __attribute__((noinline)) static int name(int x) { \
        FAR(x);                                        \
        x = next;                                      \
        FAR(x);                                        \
        return x + 1;                                  \
    }
static int (*last)(int);
LEVEL(level1, last(x))
LEVEL(level2, level1(x))
LEVEL(level3, level2(x))
LEVEL(level4, level3(x))
LEVEL(level5, level4(x))

FAR_FUNCTION(far_add, 1)
static int jump(int x) { longjmp(place, far_add(x)); }
static int jumped(void) {
    last = jump;
    int result = setjmp(place);
    return result ? far_add(result) : level5(40);
}
static void jumping(int signal) { siglongjmp(signal_place, far_add(41)); }
static int raised(int x) { return raise(SIGUSR1); }
static int jumped_from_handler(void) {
    signal(SIGUSR1, jumping);
    last = raised;
    int result = sigsetjmp(signal_place, 1);
    return result ? result : level5(0);
}

static int ready[2];
static void cleaned(void *add) { value += far_add(*(int *)add); }
static void *thread(void *unused) {
    int twenty = 20;
    pthread_cleanup_push(cleaned, &twenty);
    pthread_cleanup_push(cleaned, &twenty);
    level5(0);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}
static int wait_for_ever(int x) {
    char byte = 0;
    if (write(ready[1], &byte, 1) == 1)
        for (;;)
            pause();
    return x;
}
static int cancelled(void) {
    pthread_t id;
    char byte;
    last = wait_for_ever;
    if (pipe(ready) || pthread_create(&id, NULL, thread, NULL) || read(ready[0], &byte, 1) != 1)
        return -1;
    pthread_cancel(id);
    pthread_join(id, NULL);
    return value;
}
static int leave(int x) { pthread_exit(NULL); }
static int left(void) {
    pthread_t id;
    last = leave;
    if (pthread_create(&id, NULL, thread, NULL) || pthread_join(id, NULL))
        return -1;
    return value;
}

static void trace_in_handler(int signal) {
    void *frames[50];
    value = backtrace(frames, 50);
}
static _Unwind_Reason_Code count(struct _Unwind_Context *context, void *unused) {
    value++;
    return _URC_NO_REASON;
}
static void unwind_in_handler(int signal) { _Unwind_Backtrace(count, NULL); }
static int raise_it(int x) { return raise(SIGUSR1); }
static int traced(void) {
    signal(SIGUSR1, trace_in_handler);
    last = raise_it;
    level5(0);
    // The handler, the signal's frame, raise, five functions, main and its caller, at least.
    return value >= 10;
}
static int traced_on_stack(void) {
    static char memory[1 << 17];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    struct sigaction action = {.sa_handler = unwind_in_handler, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    last = raise_it;
    level5(0);
    return value >= 10;
}

static _Unwind_Reason_Code stop(int version, _Unwind_Action actions, _Unwind_Exception_Class kind,
                                struct _Unwind_Exception *exception, struct _Unwind_Context *context, void *unused) {
    value++;
    if (value == 7)
        longjmp(place, 42);
    return _URC_NO_REASON;
}
static int forced(int x) {
    static struct _Unwind_Exception exception;
    return _Unwind_ForcedUnwind(&exception, stop, NULL);
}
static int force(void) {
    last = forced;
    int result = setjmp(place);
    return result ? result : level5(0);
}

static ucontext_t here, there;
static void in_context(void) { value = level5(37); }
static int same(int x) { return x; }
static int context(void) {
    static char stack[32768];
    last = same;
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    makecontext(&there, in_context, 0);
    swapcontext(&here, &there);
    return value;
}
static int chain(void) { last = same; return level5(37); }

static const struct check checks[] = {
    {"longjmp", jumped},
    {"siglongjmp from a handler", jumped_from_handler},
    {"cancelled, cleaned up", cancelled},
    {"pthread_exit, cleaned up", left},
    {"backtrace in a handler", traced},
    {"_Unwind_Backtrace in a handler on its own stack", traced_on_stack},
    {"_Unwind_ForcedUnwind", force},
    {"makecontext", context},
    {"five chunks that need each other", chain},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
