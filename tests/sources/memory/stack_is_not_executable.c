//#Modes: pie nopie
//#Stdout: stack: rw-p
// The stack has the protection that the objects ask for.
#include <stdio.h>
#include <string.h>

int main(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[500], permissions[5];
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "[stack]") && sscanf(line, "%*s %4s", permissions) == 1)
            printf("stack: %s\n", permissions);
    return 0;
}
