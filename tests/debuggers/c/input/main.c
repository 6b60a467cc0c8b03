//#Modes: pie
//#Flags: -g
#include <stdio.h>
static char line[100];
static int length(const char *text) {
    int n = 0;
    while (text[n])
        n++;
    return n;
}
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        printf("argument %s\n", argv[i]);
    while (fgets(line, sizeof line, stdin))
        printf("%d: %s", length(line), line);
    return argc;
}
