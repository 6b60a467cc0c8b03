//#Object: defines.c user.c
//#Shared: libtls.so = lib.c
//#Flags: -O1 -pthread -fPIC -mtls-dialect=gnu2
//#Stdout: 1 12 30
//#Stdout: 1 12 30
// TLS descriptors, of the program's own variables and of a library's.
#include <pthread.h>
#include <stdio.h>

int user_own(void), user_local(void), user_library(void);

static void *show(void *unused) {
    printf("%d %d %d\n", user_own(), user_local(), user_library());
    return NULL;
}

int main(void) {
    show(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, show, NULL);
    pthread_join(thread, NULL);
    return 0;
}
