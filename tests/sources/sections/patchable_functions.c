//#Flags: -O1 -fpatchable-function-entry=4,2 -ffunction-sections
//#LinkFlags: -Wl,--gc-sections
//#Stdout: every entry is at a function: yes
//#Stdout: entries: enough
// Sections that describe others (SHF_LINK_ORDER), between `__start_` and `__stop_`.
#include <stdio.h>

extern char *__start___patchable_function_entries[] __attribute__((weak));
extern char *__stop___patchable_function_entries[] __attribute__((weak));

__attribute__((noinline)) int one(int x) { return x + 1; }
__attribute__((noinline)) int two(int x) { return one(x) * 2; }

int main(int argc, char **argv) {
    char **start = __start___patchable_function_entries, **stop = __stop___patchable_function_entries;
    int found = 0, good = 1;
    for (char **entry = start; entry < stop; entry++, found++)
        // Two bytes of padding before the function and two behind its start, each a nop.
        good &= (*entry)[0] == (char)0x90 && (*entry)[1] == (char)0x90;
    printf("every entry is at a function: %s\n", good && two(argc) == 4 ? "yes" : "no");
    printf("entries: %s\n", found >= 3 ? "enough" : "too few");
    return 0;
}
