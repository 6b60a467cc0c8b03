//#Shared: libwanted.so = wanted.c
//#Shared: libidle.so = idle.c
//#Link: main.c -Wl,--as-needed libidle.so libwanted.so -Wl,--no-as-needed
//#Stdout: the idle library is loaded: no
//#Stdout: wanted 1
// Under --as-needed only libraries that something refers to are loaded.
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <string.h>

int wanted(void);

static int is_idle(struct dl_phdr_info *info, size_t size, void *data) {
    return strstr(info->dlpi_name, "libidle.so") != NULL;
}

int main(void) {
    printf("the idle library is loaded: %s\n", dl_iterate_phdr(is_idle, NULL) ? "yes" : "no");
    printf("wanted %d\n", wanted());
    return 0;
}
