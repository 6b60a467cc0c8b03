//#Shared: libblock.so = lib.c
//#Modes: pie nopie
//#Stdout: called back with all signals blocked: 21
//#Stdout: called back with all signals blocked by a raw system call: 22
// A library blocks every signal, by libc's function and by a system call of its own, and then calls
// back into untouched code.
#include <stdio.h>

void call_with_signals_blocked(void (*)(void));
void call_with_signals_blocked_raw(void (*)(void));
static int value;
__attribute__((aligned(8192), noinline)) static void callback(void) { value = 21; }
__attribute__((aligned(8192), noinline)) static void second_callback(void) { value = 22; }

int main(void) {
    call_with_signals_blocked(callback);
    printf("called back with all signals blocked: %d\n", value);
    call_with_signals_blocked_raw(second_callback);
    printf("called back with all signals blocked by a raw system call: %d\n", value);
    return 0;
}
