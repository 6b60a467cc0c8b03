//#Shared: libver.so = lib.c
//#SharedFlags: libver.so = -Wl,--version-script=$SRC/versions.map
//#Object: old_user.c
//#Stdout: default: version 2
//#Stdout: old: version 1
//#Stdout: unversioned user of libc works: 3
// A library with two versions of one function: an ordinary reference means the default version,
// and .symver names another one.
#include <stdio.h>
#include <string.h>

const char *answer(void);
const char *old_answer(void);

int main(void) {
    printf("default: %s\n", answer());
    printf("old: %s\n", old_answer());
    printf("unversioned user of libc works: %zu\n", strlen("abc"));
    return 0;
}
