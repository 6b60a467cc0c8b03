//#Args: x y
//#Env: HERE=1
//#Stdout: the constructor sees 3 arguments, the last is y, HERE=1
// The dynamic loader and static start-up code both pass argc, argv and envp to constructors.
#include <stdio.h>
#include <string.h>

__attribute__((constructor)) static void construct(int argc, char **argv, char **envp) {
    const char *here = "missing";
    for (; *envp; envp++)
        if (!strncmp(*envp, "HERE=", 5))
            here = *envp;
    printf("the constructor sees %d arguments, the last is %s, %s\n", argc, argv[argc - 1], here);
}

int main(void) { return 0; }
