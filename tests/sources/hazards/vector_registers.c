//#Flags: -O2
//#Modes: pie nopie static
//#Stdout: 10 vector arguments: 550.0, integers 21, flags kept: yes
// A fault in the middle of a computation changes no register: neither arguments, nor vector registers, nor
// flags.
#include <stdio.h>

__attribute__((aligned(8192), noinline)) static double
sum(double a, double b, double c, double d, double e, double f, double g, double h, long i, long j, long k, long l,
    long m, long n, long *integers) {
    *integers = i + j + k + l + m + n;
    return a + b + c + d + e + f + g + h;
}

// Sets the flags, jumps to a page that nobody has touched, and looks at the flags there.
__asm__(".text\n.balign 8192\n.globl flags_kept\n"
        "flags_kept: push %rbx\n mov $-1, %ebx\n add $1, %ebx\n jmp far_away\n"
        ".balign 8192\n"
        "far_away: setc %al\n setz %cl\n and %cl, %al\n movzbl %al, %eax\n pop %rbx\n ret\n");
int flags_kept(void);

int main(int argc, char **argv) {
    long integers;
    double x = argc * 100.0;
    double result = sum(x, x, x, x, x, x / 4, x / 8, x / 8, 1, 2, 3, 4, 5, 6, &integers);
    printf("10 vector arguments: %.1f, integers %ld, flags kept: %s\n", result, integers, flags_kept() ? "yes" : "no");
    return 0;
}
