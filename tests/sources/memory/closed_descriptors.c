//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: 3 is the next descriptor: yes
//#Stdout: code after closing everything: 13
// A program closes every descriptor that it does not know, as daemons do, and finds none that
// it has not opened.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

__attribute__((aligned(65536), noinline)) static int untouched(int x) { return x + 12; }

// In a chunk of its own, so that the other one has not been touched.
__attribute__((aligned(65536))) int main(int argc, char **argv) {
    int next = open("/dev/null", O_RDONLY);
    printf("3 is the next descriptor: %s\n", next == 3 ? "yes" : "no");
    if (close_range(3, ~0u, 0))
        for (int i = 3; i < 1024; i++)
            close(i);
    printf("code after closing everything: %d\n", untouched(argc));
    return 0;
}
