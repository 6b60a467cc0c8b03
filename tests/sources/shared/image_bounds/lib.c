#include <stdint.h>

extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char __bss_start[] __attribute__((visibility("hidden"))), _edata[] __attribute__((visibility("hidden")));
extern char _end[] __attribute__((visibility("hidden"))), _etext[] __attribute__((visibility("hidden")));
static int zero;
static int one = 1;

int in_bounds(void) {
    int is_elf = __ehdr_start[0] == 0x7f && __ehdr_start[1] == 'E';
    int code = (char *)(uintptr_t)in_bounds > __ehdr_start && (char *)(uintptr_t)in_bounds < _etext;
    int data = (char *)&one < _edata && (char *)&zero >= __bss_start && (char *)&zero < _end;
    return is_elf && code && data;
}
