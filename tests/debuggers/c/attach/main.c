//#Modes: pie nopie
//#Flags: -g -O1
//#Object: far.c
#include <stdio.h>
#include <string.h>
#include "far.h"
#include <unistd.h>

int counter = 41;
const char *name = "the data of the program";
static volatile int released;
__thread int of_thread = 7;

__attribute__((noinline)) static int wait_here(int argument) {
    FAR(argument);
    puts("ready");
    fflush(stdout);
    while (!released)
        usleep(1000);
    FAR(argument);
    return argument + counter;
}

__attribute__((noinline)) static int middle(int argument) {
    int local = argument * 3;
    FAR(local);
    local += wait_here(local);
    FAR(local);
    return local;
}

__attribute__((noinline)) static int read_line(void) {
    static char line[100];
    FAR(counter);
    if (!fgets(line, sizeof line, stdin))
        return -1;
    FAR(counter);
    return (int)strlen(line);
}

int main(int argc, char **argv) {
    int result = 0;
    if (argc > 1 && !strcmp(argv[1], "reads")) {
        puts("ready");
        fflush(stdout);
        result = read_line();
        result += never_touched(2);
    } else {
        result = middle(argc);
        result += never_touched(result);
    }
    printf("result %d, counter %d\n", result, counter);
    return 0;
}
