// Prints the version that all objects are of, or what is wrong. With a number it looks twice, so many milliseconds apart.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void a_values(void (*)(int)), b_values(void (*)(int)), c_values(void (*)(int));

static int version = -1, wrong;

static void see(int value) {
    if (version < 0)
        version = value;
    wrong += value != version;
}

int main(int count, char **words) {
    a_values(see);
    if (count > 1)
        usleep(atoi(words[1]) * 1000);
    b_values(see);
    c_values(see);
    a_values(see);
    if (wrong) {
        printf("a mixture\n");
        return 1;
    }
    printf("%d\n", version);
    return 0;
}
