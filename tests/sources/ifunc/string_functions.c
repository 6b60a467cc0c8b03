//#Flags: -O0 -fno-builtin
//#Modes: pie nopie static static-pie
//#Stdout: 11 hello world 0 1 o world
// libc's string functions are indirect functions, in libc.a too.
#include <stdio.h>
#include <string.h>

int main(void) {
    char buffer[100];
    strcpy(buffer, "hello");
    strcat(buffer, " world");
    printf("%zu %s %d %d %s\n", strlen(buffer), buffer, strcmp(buffer, "hello world"),
           memcmp("b", "a", 1) > 0, strchr(buffer, 'o'));
    return 0;
}
