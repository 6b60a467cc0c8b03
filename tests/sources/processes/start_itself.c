//#Modes: pie nopie static
//#Stdout: first with 1 argument
//#Stdout: second with 2 arguments: again
//#Exit: 6
// A program replaces itself by itself.
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc == 1) {
        puts("first with 1 argument");
        fflush(stdout);
        execl("/proc/self/exe", argv[0], "again", NULL);
        return 1;
    }
    printf("second with %d arguments: %s\n", argc, argv[1]);
    return 6;
}
