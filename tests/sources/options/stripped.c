//#Flags: -g
//#LinkFlags: -s
//#Modes: pie nopie static
//#Stdout: stripped
#include <stdio.h>

int main(void) {
    puts("stripped");
    return 0;
}
