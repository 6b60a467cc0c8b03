//#Modes: pie nopie static static-pie
//#Stdout: the program comes first: yes
//#Stdout: main is inside of an executable segment: yes
//#Stdout: data is inside of a writable segment: yes
//#Stdout: constant is inside of a segment that is not writable: yes
// dl_iterate_phdr describes the program as unwinders, profilers and sanitizers need it.
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>

int variable = 1;
const int constant = 2;

static const ElfW(Phdr) *segment_of(struct dl_phdr_info *info, const void *pointer) {
    ElfW(Addr) address = (ElfW(Addr))pointer - info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && address >= header->p_vaddr &&
            address < header->p_vaddr + header->p_memsz)
            return header;
    }
    return NULL;
}

int main(void);

static int look(struct dl_phdr_info *info, size_t size, void *data) {
    const ElfW(Phdr) *text = segment_of(info, (void *)main);
    const ElfW(Phdr) *writable = segment_of(info, &variable);
    const ElfW(Phdr) *read_only = segment_of(info, &constant);
    printf("the program comes first: %s\n", text ? "yes" : "no");
    printf("main is inside of an executable segment: %s\n",
           text && text->p_flags & PF_X ? "yes" : "no");
    printf("data is inside of a writable segment: %s\n",
           writable && writable->p_flags & PF_W ? "yes" : "no");
    printf("constant is inside of a segment that is not writable: %s\n",
           read_only && !(read_only->p_flags & PF_W) ? "yes" : "no");
    return 1;
}

int main(void) {
    dl_iterate_phdr(look, NULL);
    return 0;
}
