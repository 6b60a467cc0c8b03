//#Shared: libh.so = lib.c
//#Link: main.c libh.so
//#LinkFlags: -rdynamic
//#Compiler: gcc clang
//#Stdout: segments: loaded yes, dynamic yes, relro yes, unwind yes, tls yes, stack yes
//#Stdout: loaded ones ascend: yes, none is writable and executable: yes
//#Stdout: after relro: constant table yes, dynamic section yes
//#Stdout: data is aligned: yes
//#Stdout: relro holds: killed by 11
// What the program headers of a library say, and that its tables cannot be written to.
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const void *const *table(void);
const char *aligned(void);
int value(void);

static int look(struct dl_phdr_info *info, size_t size, void *found) {
    if (!strstr(info->dlpi_name, "libh.so"))
        return 0;
    int seen[8] = {0}, ascend = 1, strict = 1, covers_table = 0, covers_dynamic = 0;
    unsigned kinds[] = {PT_LOAD, PT_DYNAMIC, PT_GNU_RELRO, PT_GNU_EH_FRAME, PT_TLS, PT_GNU_STACK};
    const ElfW(Phdr) *last = NULL, *relro = NULL, *dynamic = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        for (int kind = 0; kind < 6; kind++)
            seen[kind] |= header->p_type == kinds[kind];
        if (header->p_type == PT_GNU_RELRO)
            relro = header;
        if (header->p_type == PT_DYNAMIC)
            dynamic = header;
        if (header->p_type != PT_LOAD)
            continue;
        ascend &= !last || last->p_vaddr + last->p_memsz <= header->p_vaddr;
        ascend &= header->p_vaddr % header->p_align == header->p_offset % header->p_align;
        strict &= (header->p_flags & (PF_W | PF_X)) != (PF_W | PF_X);
        last = header;
    }
    const char *words[] = {"loaded", "dynamic", "relro", "unwind", "tls", "stack"};
    printf("segments:");
    for (int kind = 0; kind < 6; kind++)
        printf(" %s %s%s", words[kind], seen[kind] ? "yes" : "no", kind < 5 ? "," : "\n");
    printf("loaded ones ascend: %s, none is writable and executable: %s\n", ascend ? "yes" : "no", strict ? "yes" : "no");
    unsigned long place = (unsigned long)table() - info->dlpi_addr;
    if (relro) {
        covers_table = place - relro->p_vaddr < relro->p_memsz;
        covers_dynamic = dynamic && dynamic->p_vaddr - relro->p_vaddr < relro->p_memsz;
    }
    printf("after relro: constant table %s, dynamic section %s\n", covers_table ? "yes" : "no",
           covers_dynamic ? "yes" : "no");
    return 1;
}

int main(void) {
    value();
    dl_iterate_phdr(look, NULL);
    printf("data is aligned: %s\n", (unsigned long)aligned() % 4096 == 0 ? "yes" : "no");
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        *(const void *volatile *)table() = NULL;
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    printf("relro holds: killed by %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    return 0;
}
