//#Args: one 'two words' -three
//#Env: UNFOLD_TESTED=yes, it is
//#Stdin: first line\nsecond line\n
//#Stdout: argc 4
//#Stdout: [./app]
//#Stdout: [one]
//#Stdout: [two words]
//#Stdout: [-three]
//#Stdout: environment: yes, it is
//#Stdout: < first line
//#Stdout: < second line
//#Exit: 42
// Arguments, environment and input reach the program, and its status comes back.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    printf("argc %d\n", argc);
    for (int i = 0; i < argc; i++)
        printf("[%s]\n", argv[i]);
    if (argv[argc] != NULL)
        return 1;
    printf("environment: %s\n", getenv("UNFOLD_TESTED"));
    char line[100];
    while (fgets(line, sizeof line, stdin))
        printf("< %s", line);
    return 42;
}
