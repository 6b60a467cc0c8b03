//#LinkFlags: -Wl,--build-id=sha1
//#Modes: pie nopie
//#Stdout: a GNU build id of 20 bytes
// The note is found through the program headers, as crash reporters look for it.
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <string.h>

static int find(struct dl_phdr_info *info, size_t size, void *found) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_NOTE)
            continue;
        const char *note = (const char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        const char *end = note + info->dlpi_phdr[i].p_memsz;
        while (note < end) {
            const ElfW(Nhdr) *header = (const void *)note;
            const char *name = note + sizeof *header;
            if (header->n_type == NT_GNU_BUILD_ID && !memcmp(name, "GNU", 4))
                printf("a GNU build id of %u bytes\n", header->n_descsz);
            note = name + (header->n_namesz + 3 & ~3) + (header->n_descsz + 3 & ~3);
        }
    }
    return 1; // The program itself comes first, and only it matters here.
}

int main(void) { return dl_iterate_phdr(find, NULL) != 1; }
