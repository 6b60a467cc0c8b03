//#Flags: -O1 -I$SRC/../../include
//#Modes: pie nopie
//#Stdout: 64 children agree
// Many children at once, each of which touches the same pages for itself, and their parent none.
#include "untouched.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define F(n) UNTOUCHED static int f##n(int x) { ALONE; return x + n; }
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7)
static int (*volatile functions[])(int) = {f0, f1, f2, f3, f4, f5, f6, f7};

int main(void) {
    for (int child = 0; child < 64; child++) {
        if (fork() == 0) {
            int sum = 0;
            for (int i = 0; i < 8; i++)
                sum = functions[(child + i) % 8](sum);
            _exit(sum == 28 ? 0 : 1);
        }
    }
    int status, right = 0;
    while (wait(&status) > 0)
        right += status == 0;
    printf("%d children agree\n", right);
    return 0;
}
