//#Flags: -O1
//#LinkFlags: -rdynamic -ldl
//#Modes: pie
//#Stdout: argv[0]: ./app
//#Stdout: program_invocation_short_name: app
//#Stdout: AT_EXECFN: ./app
//#Stdout: AT_PHDR is that of the image: 1
//#Stdout: AT_PHNUM is that of the image: 1
//#Stdout: AT_ENTRY is _start: 1
//#Stdout: AT_BASE is the dynamic linker: 1
//#Stdout: the first object of dl_iterate_phdr is the program: 1
//#Stdout: an untouched function is in an executable segment: 1
//#Stdout: dladdr of an untouched function: far_add, 1
//#Stdout: dladdr of main's file: app
//#Stdout: dladdr of a libc function: libc.so.6
//#Stdout: dlsym finds what is called: 1111
//#Stdout: environ is what was given: 1
//#Stdout: the stack is of main's arguments: 1
//#Stdout: link map begins with the program: 1
//#KnownDifference: AT_PHDR is that of the image: 0
//#KnownDifference: AT_PHNUM is that of the image: 0
//#KnownDifference: dladdr of a libc function: app
//#KnownDifference: dladdr of a libc function: 
//#KnownDifference: dlsym finds what is called: 1110
// Where a program finds itself, its headers, its functions and its environment.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
extern void _start(void);
FAR_FUNCTION(far_add, 1)

static int first = 1, first_is_program, executable, base_found;
static int look(struct dl_phdr_info *info, size_t size, void *unused) {
    if (first) {
        first_is_program = !*info->dlpi_name && info->dlpi_phdr == (void *)getauxval(AT_PHDR) &&
                           info->dlpi_phnum == getauxval(AT_PHNUM);
        for (int i = 0; i < info->dlpi_phnum; i++) {
            const ElfW(Phdr) *header = info->dlpi_phdr + i;
            uintptr_t start = info->dlpi_addr + header->p_vaddr, far = (uintptr_t)far_add;
            executable |= header->p_type == PT_LOAD && header->p_flags & PF_X && far >= start &&
                          far + 200000 < start + header->p_memsz + 100000;
        }
    }
    first = 0;
    base_found |= info->dlpi_addr == getauxval(AT_BASE) && strstr(info->dlpi_name, "ld-linux");
    return 0;
}
static const char *file_name(const char *path) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

int main(int argc, char **argv, char **envp) {
    printf("argv[0]: %s\n", argv[0]);
    printf("program_invocation_short_name: %s\n", program_invocation_short_name);
    printf("AT_EXECFN: %s\n", (char *)getauxval(AT_EXECFN));
    const char *image = (const char *)&__ehdr_start;
    printf("AT_PHDR is that of the image: %d\n", getauxval(AT_PHDR) == (uintptr_t)image + __ehdr_start.e_phoff);
    printf("AT_PHNUM is that of the image: %d\n", getauxval(AT_PHNUM) == __ehdr_start.e_phnum);
    printf("AT_ENTRY is _start: %d\n", getauxval(AT_ENTRY) == (uintptr_t)_start);
    dl_iterate_phdr(look, NULL);
    printf("AT_BASE is the dynamic linker: %d\n", base_found);
    printf("the first object of dl_iterate_phdr is the program: %d\n", first_is_program);
    printf("an untouched function is in an executable segment: %d\n", executable);
    Dl_info info = {0};
    dladdr((void *)far_add, &info);
    printf("dladdr of an untouched function: %s, %d\n", info.dli_sname, info.dli_saddr == (void *)far_add);
    dladdr((void *)main, &info);
    printf("dladdr of main's file: %s\n", file_name(info.dli_fname));
    dladdr((void *)sigaction, &info);
    printf("dladdr of a libc function: %s\n", file_name(info.dli_fname));
    printf("dlsym finds what is called: %d%d%d%d\n", dlsym(RTLD_DEFAULT, "sigaction") == (void *)sigaction,
           dlsym(RTLD_DEFAULT, "mmap") == (void *)mmap, dlsym(RTLD_DEFAULT, "write") == (void *)write,
           dlsym(RTLD_NEXT, "write") == (void *)write);
    printf("environ is what was given: %d\n", environ == envp && getenv("HOME") != NULL);
    printf("the stack is of main's arguments: %d\n", (char **)argv + argc + 1 == envp);
    struct link_map *map = dlopen(NULL, RTLD_NOW);
    printf("link map begins with the program: %d\n", map && !*map->l_name && !map->l_prev && map->l_next);
    return 0;
}
