//#Flags: -O1 -ffreestanding -fno-stack-protector
//#LinkFlags: -nostdlib
//#Modes: pie nopie static static-pie
//#Stdout: untouched code: yes
//#Stdout: with all signals blocked: yes
//#Stdout: its own handler of faults: yes
//#Stdout: bytes of untouched code
//#Exit: 7
// Without libc: the program talks to the kernel by itself, about signals as well.
#include "../../fixtures/far.h"

FAR_FUNCTION(far_add, 5)
FAR_FUNCTION(far_sub, -5)
FAR_FUNCTION(far_two, 2)
FAR_BYTES(far_text, ".ascii \"bytes of untouched code\\n\"");

static long call(long number, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
static void say(const char *text) {
    long length = 0;
    while (text[length])
        length++;
    call(1, 1, (long)text, length, 0);
}
static void say_if(const char *what, int right) {
    say(what);
    say(right ? ": yes\n" : ": no\n");
}

struct action {
    void (*handler)(int, void *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};
void restorer(void);
__asm__("restorer: mov $15, %eax\nsyscall");

static volatile int faults;
static void on_fault(int signal, void *info, void *context) {
    faults = far_two(faults);
    // Over the instruction that faulted, which has two bytes.
    ((long *)context)[5 + 16] += 2;
}

__attribute__((used)) void run(void) {
    say_if("untouched code", far_add(0) == 5);
    unsigned long all = ~0ul;
    call(14, 2, (long)&all, 0, 8);
    say_if("with all signals blocked", far_sub(5) == 0);
    all = 0;
    call(14, 2, (long)&all, 0, 8);
    struct action action = {on_fault, 0x04000004, restorer, 0};
    call(13, 11, (long)&action, 0, 8);
    __asm__ volatile("xor %%eax, %%eax\nmov (%%rax), %%eax" : : : "rax");
    say_if("its own handler of faults", faults == 2);
    call(1, 1, (long)far_text, 24, 0);
    call(231, 7, 0, 0, 0);
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\nand $-16, %rsp\ncall run\nhlt");
