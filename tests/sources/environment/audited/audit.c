#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int bindings, objects, puts_seen;
unsigned la_version(unsigned version) { return version; }
unsigned la_objopen(struct link_map *map, Lmid_t namespace, uintptr_t *cookie) {
    objects++;
    return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}
uintptr_t la_symbind64(Elf64_Sym *symbol, unsigned index, uintptr_t *from, uintptr_t *to, unsigned *flags,
                       const char *name) {
    bindings++;
    if (!strcmp(name, "puts"))
        puts_seen++;
    return symbol->st_value;
}
void la_preinit(uintptr_t *cookie) {
    fprintf(stderr, "audit: objects %s, bindings %s\n", objects >= 3 ? "yes" : "no", bindings ? "yes" : "no");
}
// The program's own calls, as they are bound.
unsigned la_objclose(uintptr_t *cookie) { return 0; }
