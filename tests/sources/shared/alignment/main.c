//#Shared: libaligned.so = lib.c
//#Stdout: aligned, opened: aligned
// Alignments far beyond a page hold wherever the library is loaded.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int is_aligned(void);

int main(void) {
    void *library = dlmopen(LM_ID_NEWLM, "libaligned.so", RTLD_NOW);
    int (*again)(void) = library ? (int (*)(void))dlsym(library, "is_aligned") : 0;
    printf("%s, opened: %s\n", is_aligned() ? "aligned" : "not aligned", !again ? dlerror() : again() ? "aligned" : "not aligned");
    return 0;
}
