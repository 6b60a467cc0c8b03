// Prints what the version of `value.c` is, three times: of its code, its constants and its data; and a sum of everything
// else. With the word "settle" it waits until nothing of its code is missing any more, or its only thread is its own.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int code(void), part(void), filler(void);
extern const int constant[];
extern int *data[];

static int threads(void) {
    char line[256];
    int count = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "Threads: %d", &count);
    if (status)
        fclose(status);
    return count;
}

// Whether there is memory without access between the first byte of the program and the end of its code.
static int is_missing(void) {
    extern char __executable_start[], etext[];
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end;
        char access[8];
        if (sscanf(line, "%lx-%lx %7s", &start, &end, access) == 3 && end > (unsigned long)__executable_start &&
            start < (unsigned long)etext && strncmp(access, "---", 3) == 0)
            found = 1;
    }
    if (maps)
        fclose(maps);
    return found;
}

int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "settle") == 0)
        for (int look = 0; look < 2000 && threads() > 1 && is_missing(); look++)
            usleep(1000);
    printf("%d %d %d %d %d\n", code(), constant[0], *data[0], part(), filler());
    return 0;
}
