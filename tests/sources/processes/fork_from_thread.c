//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: child 5
//#Stdout: parent 5
// A thread forks while other threads keep touching new code.
#include "untouched.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t start;
#define F(n) __attribute__((aligned(65536), noinline)) static int f##n(int x) { return x + 1; }
#define F8(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7)
F8(0) F8(1) F8(2) F8(3)
#define P8(n) f##n##0, f##n##1, f##n##2, f##n##3, f##n##4, f##n##5, f##n##6, f##n##7
static int (*volatile functions[])(int) = {P8(0), P8(1), P8(2), P8(3)};
UNTOUCHED static int in_child(int x) {
    ALONE;
    return x + 4;
}

static void *touch(void *unused) {
    pthread_barrier_wait(&start);
    long sum = 0;
    for (int i = 0; i < 32; i++)
        sum += functions[i](0);
    return (void *)(sum - 32);
}

int main(int argc, char **argv) {
    pthread_t threads[3];
    pthread_barrier_init(&start, NULL, 4);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, touch, NULL);
    pthread_barrier_wait(&start);
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(in_child(i) + functions[31 - i](0));
        int status;
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != i + 5)
            return 1;
    }
    printf("child %d\n", in_child(argc));
    for (int i = 0; i < 3; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        if (wrong)
            return 2;
    }
    printf("parent %d\n", in_child(argc));
    return 0;
}
