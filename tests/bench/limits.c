/* What no linker can be faster than: asks for the status of each file, or reads it, and prints the milliseconds.
 *
 *     limits stat|read THREADS < LIST        LIST: a path in each line
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char **paths;
static size_t count, next;
static int reading;

static void fail(const char *path) {
    perror(path);
    exit(1);
}

static void read_file(const char *path) {
    static _Thread_local char buffer[256 << 10];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    if (fd < 0)
        fail(path);
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        ;
    if (got < 0)
        fail(path);
    close(fd);
}

/* Threads take files in turn: sixteen at a time to ask, one at a time to read. */
static void *work(void *unused) {
    size_t step = reading ? 1 : 16;
    (void)unused;
    for (;;) {
        size_t from = __atomic_fetch_add(&next, step, __ATOMIC_RELAXED);
        if (from >= count)
            return NULL;
        for (size_t i = from; i < from + step && i < count; i++) {
            struct stat status;
            if (reading)
                read_file(paths[i]);
            else if (stat(paths[i], &status) != 0)
                fail(paths[i]);
        }
    }
}

int main(int argc, char **argv) {
    int threads = argc == 3 ? atoi(argv[2]) : 0;
    char line[4096];
    struct timespec from, to;
    pthread_t ids[256];
    if (threads < 1 || threads > 256 || (strcmp(argv[1], "stat") != 0 && strcmp(argv[1], "read") != 0))
        return 2;
    reading = strcmp(argv[1], "read") == 0;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!(paths = realloc(paths, (count + 1) * sizeof *paths)) || !(paths[count++] = strdup(line)))
            return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 1; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, NULL) != 0)
            return 1;
    work(NULL);
    for (int i = 1; i < threads; i++)
        pthread_join(ids[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.3f\n", (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6);
    return 0;
}
