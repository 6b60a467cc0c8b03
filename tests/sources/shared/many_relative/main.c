//#Shared: libplain.so = plain.c
//#SharedFlags: libplain.so = -Wl,-z,nopack-relative-relocs
//#Shared: libpacked.so = packed.c
//#SharedFlags: libpacked.so = -Wl,-z,pack-relative-relocs
//#Stdout: plain: 6561 right, sparse 6 right, packed by: no
//#Stdout: packed: 6561 right, sparse 6 right, packed by: DT_RELR
// Thousands of pointers into the library itself, with and without packed relocations.
#include <elf.h>
#include <link.h>
#include <dlfcn.h>
#include <stdio.h>

#ifndef DT_RELR
#define DT_RELR 36
#endif
int plain_table(void), plain_sparse(void), packed_table(void), packed_sparse(void);

static const char *kind(const char *name) {
    struct link_map *library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    for (ElfW(Dyn) *entry = library->l_ld; entry->d_tag; entry++)
        if (entry->d_tag == DT_RELR)
            return "DT_RELR";
    return "no";
}

int main(void) {
    printf("plain: %d right, sparse %d right, packed by: %s\n", plain_table(), plain_sparse(), kind("libplain.so"));
    printf("packed: %d right, sparse %d right, packed by: %s\n", packed_table(), packed_sparse(),
           kind("libpacked.so"));
    return 0;
}
