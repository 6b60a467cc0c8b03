/* Preloaded into an ordinary program: counts the pages of its own code that it touches. The code has no access until a
 * fault gives it that, page by page. The number goes to the file that TOUCHED names, when the program exits. */
#define _GNU_SOURCE
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096 };
static unsigned long start, end, touched;

static void serve(int signal, siginfo_t *info, void *context) {
    unsigned long page = (unsigned long)info->si_addr & -PAGE;
    (void)context;
    if (page < start || page >= end || mprotect((void *)page, PAGE, PROT_READ | PROT_EXEC) != 0) {
        struct sigaction usual = { .sa_handler = SIG_DFL };
        sigaction(signal, &usual, NULL);
        return;
    }
    touched++;
}

/* The first object is the program. */
static int find(struct dl_phdr_info *program, size_t size, void *data) {
    (void)size;
    (void)data;
    for (int i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &program->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && part->p_flags & PF_X) {
            start = (program->dlpi_addr + part->p_vaddr) & -PAGE;
            end = (program->dlpi_addr + part->p_vaddr + part->p_memsz + PAGE - 1) & -PAGE;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction action = { .sa_sigaction = serve, .sa_flags = SA_SIGINFO | SA_NODEFER };
    dl_iterate_phdr(find, NULL);
    sigaction(SIGSEGV, &action, NULL);
    mprotect((void *)start, end - start, PROT_NONE);
}

__attribute__((destructor)) static void finish(void) {
    const char *name = getenv("TOUCHED");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (file) {
        fprintf(file, "%lu of %lu\n", touched, (end - start) / PAGE);
        fclose(file);
    }
}
