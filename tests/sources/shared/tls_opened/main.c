//#Shared: libplugin.so = plugin.c
//#Shared: libdesc.so = plugin.c
//#SharedFlags: libdesc.so = -Wl,-z,now
//#Link: main.c
//#Flags: -O1 -pthread
//#Args: $LIB/libplugin.so $LIB/libdesc.so
//#Compiler: gcc clang
//#Stdout: a thread that was there before: 7 0, again 8 1
//#Stdout: main: 7 0, again 8 1
//#Stdout: a later thread: 7 0, again 8 1
//#Stdout: a thread that was there before: 7 0, again 8 1
//#Stdout: main: 7 0, again 8 1
//#Stdout: a later thread: 7 0, again 8 1
// A library with thread-local variables is opened while threads run, each of which gets its own.
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static sem_t go, done;
static void (*count)(int *, int *);

static void show(const char *who) {
    int first, second, third, fourth;
    count(&first, &second);
    count(&third, &fourth);
    printf("%s: %d %d, again %d %d\n", who, first, second, third, fourth);
}

static void *waiting(void *unused) {
    sem_wait(&go);
    show("a thread that was there before");
    sem_post(&done);
    return NULL;
}

static void *later(void *unused) {
    show("a later thread");
    return NULL;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        pthread_t before, after;
        sem_init(&go, 0, 0);
        sem_init(&done, 0, 0);
        pthread_create(&before, NULL, waiting, NULL);
        void *library = dlopen(argv[i], RTLD_NOW);
        count = (void (*)(int *, int *))dlsym(library, "count");
        sem_post(&go);
        sem_wait(&done);
        show("main");
        pthread_join(before, NULL);
        pthread_create(&after, NULL, later, NULL);
        pthread_join(after, NULL);
        dlclose(library);
    }
    return 0;
}
