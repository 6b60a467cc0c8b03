//#Modes: pie nopie static static-pie
//#Stdout: program headers: found
//#Stdout: entry is in the program: yes
//#Stdout: page size 4096
//#Stdout: executable name: ./app
//#Stdout: secure: 0
// What the kernel tells a program about itself must describe the image, and not the stub that
// loads it.
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

extern void _start(void);

int main(void) {
    const ElfW(Phdr) *headers = (const void *)getauxval(AT_PHDR);
    size_t count = getauxval(AT_PHNUM);
    int loads = 0;
    for (size_t i = 0; i < count; i++)
        loads += headers[i].p_type == PT_LOAD;
    printf("program headers: %s\n", loads > 0 ? "found" : "missing");
    printf("entry is in the program: %s\n",
           getauxval(AT_ENTRY) == (unsigned long)&_start ? "yes" : "no");
    printf("page size %lu\n", getauxval(AT_PAGESZ));
    printf("executable name: %s\n", (const char *)getauxval(AT_EXECFN));
    printf("secure: %lu\n", getauxval(AT_SECURE));
    return 0;
}
