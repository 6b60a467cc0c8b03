#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include "bounds.h"
ENTRY(1)
ENTRY(2)
SHOW(show_a, "a:")
extern ElfW(Dyn) dynamic[] __asm__("_DYNAMIC") __attribute__((visibility("hidden")));
extern void *got[] __asm__("_GLOBAL_OFFSET_TABLE_") __attribute__((visibility("hidden")));
extern void *__dso_handle __attribute__((visibility("hidden")));
void internals(void) {
    struct link_map *library = dlopen("liba.so", RTLD_NOW | RTLD_NOLOAD);
    Dl_info info;
    int is_own = dladdr(got, &info) && info.dli_fbase == (void *)library->l_addr;
    printf("a: GOT %s, dynamic section %s, handle %s\n", is_own ? "yes" : "no", library->l_ld == dynamic ? "yes" : "no",
           __dso_handle == &__dso_handle ? "yes" : "no");
}
