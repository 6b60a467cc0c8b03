//#Env: LD_BIND_NOW=1
//#Stdout: 3 true
// Everything is bound at start-up because the environment says so.
#include <stdio.h>
#include <string.h>
#include <strings.h>

int main(int argc, char **argv) {
    printf("%zu %s\n", strlen(argv[0]) - strlen("app") + argc, strcasecmp("A", "a") ? "false" : "true");
    return 0;
}
