//#Modes: pie nopie static static-pie
//#Flags: -O2
//#Stdout: not called
// A call of an undefined weak function that is guarded by a test of its address. The call is never
// made, but its relocation must not be an error, whatever its reach.
#include <stdio.h>

__attribute__((weak)) int absent(int);
__attribute__((weak, visibility("hidden"))) int hidden_absent(int);

int main(int argc, char **argv) {
    if (absent)
        printf("%d\n", absent(argc));
    if (hidden_absent)
        printf("%d\n", hidden_absent(argc));
    puts("not called");
    return 0;
}
