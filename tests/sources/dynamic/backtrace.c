//#Flags: -O0
//#LinkFlags: -rdynamic
//#Stdout: outer is in the backtrace: yes
//#Stdout: main is in the backtrace: yes
// glibc's backtrace walks the frames by their unwind tables and names them by the dynamic symbols.
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *symbols_text;

__attribute__((noinline)) int inner(void) {
    void *frames[20];
    int count = backtrace(frames, 20);
    char **symbols = backtrace_symbols(frames, count);
    int outer_found = 0, main_found = 0;
    for (int i = 0; i < count; i++) {
        outer_found |= strstr(symbols[i], "(outer+") != NULL;
        main_found |= strstr(symbols[i], "(main+") != NULL;
    }
    printf("outer is in the backtrace: %s\n", outer_found ? "yes" : "no");
    printf("main is in the backtrace: %s\n", main_found ? "yes" : "no");
    return count;
}

__attribute__((noinline)) int outer(void) { return inner() + 1; }

int main(void) { return outer() < 3; }
