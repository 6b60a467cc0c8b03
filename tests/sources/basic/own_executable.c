//#Stdout: /proc/self/exe names app
//#Stdout: it starts with ELF magic: yes
//#Stdout: command line is ./app
// /proc/self/exe is how programs find themselves and what lies beside them.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        return 1;
    path[length] = 0;
    printf("/proc/self/exe names %s\n", strrchr(path, '/') + 1);

    unsigned char magic[4] = {0};
    FILE *self = fopen("/proc/self/exe", "rb");
    if (!self || fread(magic, 1, 4, self) != 4)
        return 2;
    printf("it starts with ELF magic: %s\n", memcmp(magic, "\177ELF", 4) ? "no" : "yes");
    fclose(self);

    char command[100] = "";
    FILE *line = fopen("/proc/self/cmdline", "rb");
    if (!line || !fread(command, 1, sizeof command - 1, line))
        return 3;
    printf("command line is %s\n", command);
    return 0;
}
