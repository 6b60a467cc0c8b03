//#Shared: libsysv.so = sysv.c many.c
//#SharedFlags: libsysv.so = -Wl,--hash-style=sysv
//#Shared: libgnu.so = gnu.c many.c
//#SharedFlags: libgnu.so = -Wl,--hash-style=gnu
//#Shared: libboth.so = both.c many.c
//#SharedFlags: libboth.so = -Wl,--hash-style=both -Wl,--version-script=$SRC/both.map
//#Stdout: sysv 1 gnu 2 both 3
//#Stdout: libsysv.so: 400 found, 0 of the absent, tables: hash
//#Stdout: libgnu.so: 400 found, 0 of the absent, tables: gnu_hash
//#Stdout: libboth.so: 400 found, 0 of the absent, tables: hash gnu_hash
// Every kind of hash table leads to every symbol, and to no other.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>

int sysv(void), gnu(void), both(void);

static void test(const char *name) {
    struct link_map *library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    int found = 0, absent = 0;
    for (int i = 0; i < 400; i++) {
        char symbol[32];
        sprintf(symbol, "symbol_%d", i);
        int *value = dlsym(library, symbol);
        found += value && *value == i;
        sprintf(symbol, "absent_%d", i);
        absent += dlsym(library, symbol) != NULL;
    }
    printf("%s: %d found, %d of the absent, tables:", name, found, absent);
    for (ElfW(Dyn) *entry = library->l_ld; entry->d_tag; entry++)
        if (entry->d_tag == DT_HASH)
            printf(" hash");
    for (ElfW(Dyn) *entry = library->l_ld; entry->d_tag; entry++)
        if (entry->d_tag == DT_GNU_HASH)
            printf(" gnu_hash");
    printf("\n");
}

int main(void) {
    printf("sysv %d gnu %d both %d\n", sysv(), gnu(), both());
    test("libsysv.so");
    test("libgnu.so");
    test("libboth.so");
    return 0;
}
