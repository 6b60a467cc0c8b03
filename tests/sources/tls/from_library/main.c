//#Shared: libtls.so = lib.c
//#Object: user_pic.c
//#FileFlags: user_pic.c = -fPIC
//#Flags: -O1 -pthread
//#Stdout: 50 51 52 library 52
//#Stdout: 50 51 52 library 52
//#Stdout: errno 2
// A library's thread-local variables, used from the program by initial-exec and by global-dynamic
// code. errno is one too.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

extern __thread int library_variable;
int from_pic_code(void);
int library_value(void);

static void *show(void *unused) {
    int first = library_variable++;
    int second = from_pic_code();
    printf("%d %d %d library %d\n", first, second, library_variable++, library_value());
    return NULL;
}

int main(void) {
    show(NULL);
    pthread_t thread;
    pthread_create(&thread, NULL, show, NULL);
    pthread_join(thread, NULL);
    close(-1);
    access("/there/is/no/such/file", F_OK);
    printf("errno %d\n", errno);
    return 0;
}
