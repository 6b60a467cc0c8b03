//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: constant
//#Stdout: data
//#Stdout: pointers to constants
//#Stdout: read into data: ELF, into bss: ELF
//#Stdout: a path in rodata opens: yes
//#Stdout: futex and time structures in data work
//#Stdout: text can be written to a pipe: yes
// System calls with buffers that nobody has touched before, in every kind of section.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ALONE __attribute__((aligned(4096)))
ALONE static const char constant[4096] = "constant\n";
ALONE static char data[4096] = "data\n";
ALONE static const char part1[] = "pointers ", part2[] = "to constants\n";
ALONE static const struct iovec vectors[] = {{(void *)part1, 9}, {(void *)part2, 13}};
ALONE static char into_data[4096] = {1}, into_bss[4096];
ALONE static const char path[4096] = "/proc/self/exe";
ALONE static struct timespec nothing = {0, 1};
ALONE __attribute__((noinline)) static int some_code(int x) { return x * 77 + 3; }

int main(void) {
    if (write(1, constant, 9) != 9 || write(1, data, 5) != 5 || writev(1, vectors, 2) != 22)
        return 1;
    int file = open(path, O_RDONLY);
    if (file < 0 || read(file, into_data, 4) != 4 || pread(file, into_bss, 4, 0) != 4)
        return 2;
    printf("read into data: %.3s, into bss: %.3s\n", into_data + 1, into_bss + 1);
    printf("a path in rodata opens: %s\n", access(path, R_OK) ? "no" : "yes");
    if (!nanosleep(&nothing, NULL))
        puts("futex and time structures in data work");
    // The kernel cannot see code that was never touched; code that has run is there for it.
    int pipes[2];
    if (pipe(pipes))
        return 3;
    volatile int touched = some_code(1);
    printf("text can be written to a pipe: %s\n", write(pipes[1], (void *)some_code, 16) == 16 ? "yes" : "no");
    return 0;
}
