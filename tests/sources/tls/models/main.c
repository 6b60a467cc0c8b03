//#Object: defines.c global_dynamic.c local_dynamic.c initial_exec.c local_exec.c
//#Flags: -O1 -pthread
//#FileFlags: global_dynamic.c = -fPIC -ftls-model=global-dynamic
//#FileFlags: local_dynamic.c = -fPIC -ftls-model=local-dynamic
//#FileFlags: initial_exec.c = -fPIC -ftls-model=initial-exec
//#FileFlags: local_exec.c = -ftls-model=local-exec
//#Compiler: gcc clang
//#Modes: pie nopie static static-pie
//#Stdout: main thread: 100 200 12 300 400
//#Stdout: other thread: 100 200 12 300 400
//#Stdout: main thread again: 101 201 14 301 401
// The four models of access to thread-local variables. Linked into a program, all of them come down to
// the shortest.
#include <pthread.h>
#include <stdio.h>

int global_dynamic(void), global_dynamic_two(void), local_dynamic(void), initial_exec(void), local_exec(void);

static void *show(void *who) {
    printf("%s: %d %d %d %d %d\n", (char *)who, global_dynamic(), global_dynamic_two(),
           local_dynamic(), initial_exec(), local_exec());
    return NULL;
}

int main(void) {
    show("main thread");
    pthread_t thread;
    pthread_create(&thread, NULL, show, "other thread");
    pthread_join(thread, NULL);
    show("main thread again");
    return 0;
}
