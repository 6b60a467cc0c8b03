//#Shared: librust.so = lib.rs
//#SharedFlags: librust.so = -lm
//#Flags: -pthread
//#Stdout: rust adds 5, greets "hello, C"
//#Stdout: a panic is caught: yes
//#Stdout: threads sum 4950
//#Stdout: thread-local 1 2, in another thread 1
// A library in Rust with the whole of its standard library.
#include <pthread.h>
#include <stdio.h>

int rust_add(int, int);
void rust_greet(const char *, char *, long);
int rust_catches(void), rust_threads(void), rust_local(void);

static void *other(void *result) {
    *(int *)result = rust_local();
    return NULL;
}

int main(void) {
    char text[64];
    rust_greet("C", text, sizeof text);
    printf("rust adds %d, greets \"%s\"\n", rust_add(2, 3), text);
    printf("a panic is caught: %s\n", rust_catches() ? "yes" : "no");
    printf("threads sum %d\n", rust_threads());
    int first = rust_local(), second = rust_local(), third;
    pthread_t thread;
    pthread_create(&thread, NULL, other, &third);
    pthread_join(thread, NULL);
    printf("thread-local %d %d, in another thread %d\n", first, second, third);
    return 0;
}
