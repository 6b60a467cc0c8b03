//#Shared: libpreload.so = preload.c
//#SharedFlags: libpreload.so = -Wl,--version-script=$SRC/preload.map
//#Link: main.c
//#Env: LD_PRELOAD=$LIB/libpreload.so
//#Stdout: [preloaded] hello
//#Stdout: malloc is counted: yes
//#Stdout: environment is seen: yes
// A preloaded library stands before libc and calls what it stands before.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    puts("hello");
    char *before = getenv("COUNT_OF_MALLOC");
    int count = before ? atoi(before) : 0;
    void *volatile block = malloc(100000);
    char *after = getenv("COUNT_OF_MALLOC");
    printf("malloc is counted: %s\n", after && atoi(after) > count ? "yes" : "no");
    free(block);
    printf("environment is seen: %s\n", getenv("LD_PRELOAD") ? "yes" : "no");
    return 0;
}
