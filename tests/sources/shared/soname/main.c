//#Shared: libnew.so = new.c
//#SharedFlags: libnew.so = -Wl,-soname,libs.so.2
//#Shared: libs.so.2 = newer.c
//#Link: main.c libnew.so
//#Stdout: newer
//#Stdout: needed: libs.so.2
// A program remembers a library by the name that the library gives itself, and gets what has this name.
#include <elf.h>
#include <link.h>
#include <stdio.h>

const char *age(void);

int main(void) {
    puts(age());
    const char *strings = NULL;
    for (ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag; entry++)
        if (entry->d_tag == DT_STRTAB)
            strings = (const char *)entry->d_un.d_ptr;
    for (ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag; entry++)
        if (entry->d_tag == DT_NEEDED && strings[entry->d_un.d_val + 3] == 's')
            printf("needed: %s\n", strings + entry->d_un.d_val);
    return 0;
}
