//#Shared: libtls.so = gd.c ld.c ie.c desc.c data.c
//#FileFlags: ld.c = -ftls-model=local-dynamic
//#FileFlags: ie.c = -ftls-model=initial-exec
//#FileFlags: desc.c = -mtls-dialect=gnu2
//#Shared: libother.so = other.c
//#SharedFlags: libother.so = libtls.so
//#Flags: -O1 -pthread
//#Stdout: gd 1 2 0 ld 10 11 0 0 ie 20 0 20 desc 30 31 0 30
//#Stdout: program 40 other 41 exported 42
//#Stdout: gd 1 2 0 ld 10 11 0 0 ie 20 0 20 desc 30 31 0 30
//#Stdout: program 40 other 41 exported 42
//#Stdout: addresses in threads differ: yes, and are aligned: yes
// Thread-local variables of a library in all models, hidden and exported ones, with initial values and without.
#include <pthread.h>
#include <stdio.h>

extern __thread int exported;
int *gd(int *), *ld(int *), *ie(int *), *desc(int *), other(void);
void *aligned(void);

static void *test(void *where) {
    int a[4], b[4], c[4], d[4];
    gd(a), ld(b), ie(c), desc(d);
    printf("gd %d %d %d ld %d %d %d %d ie %d %d %d desc %d %d %d %d\n", a[0], a[1], a[2], b[0], b[1], b[2], b[3],
           c[0], c[1], c[2], d[0], d[1], d[2], d[3]);
    printf("program %d", exported++);
    int from_other = other();
    printf(" other %d exported %d\n", from_other, exported);
    *(void **)where = aligned();
    return NULL;
}

int main(void) {
    void *here, *there;
    test(&here);
    pthread_t thread;
    pthread_create(&thread, NULL, test, &there);
    pthread_join(thread, NULL);
    printf("addresses in threads differ: %s, and are aligned: %s\n", here != there ? "yes" : "no",
           ((long)here | (long)there) % 64 == 0 ? "yes" : "no");
    return 0;
}
