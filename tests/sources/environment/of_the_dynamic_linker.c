//#Flags: -O1
//#LinkFlags: -rdynamic -ldl
//#Modes: pie nopie
//#Stdout: LD_BIND_NOW: 42
//#Stdout: LD_SHOW_AUXV: AT_PHDR yes, AT_ENTRY yes, AT_EXECFN yes, result yes
//#Stdout: LD_TRACE_LOADED_OBJECTS: libc yes, result no
//#Stdout: LD_DEBUG: bindings of the program yes, result yes
//#Stdout: LD_DEBUG=statistics: relocations yes, result yes
//#Stdout: LD_LIBRARY_PATH: 42
//#Stdout: LD_WARN and LD_VERBOSE: 42
//#Stdout: GLIBC_TUNABLES: 42
//#Stdout: LD_HWCAP_MASK and LD_DYNAMIC_WEAK: 42
//#Stdout: MALLOC_PERTURB_: 42
//#Stdout: no environment: 42
//#Stdout: through the dynamic linker: 42
//#Stdout: through the dynamic linker, by another name: 42
//#Stdout: verified by the dynamic linker: 0
//#Stdout: listed by the dynamic linker: libc yes, result no
//#KnownDifference: through the dynamic linker: 127
//#KnownDifference: through the dynamic linker, by another name: 127
//#KnownDifference: verified by the dynamic linker: 2
// The variables that the dynamic linker listens to, and the program run through it: as with any other program.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

FAR_FUNCTION(far_add, 42)

static char output[1 << 20], self[4096], dynamic_linker[4096];

// Runs these words with these variables; what they write is in `output`.
static int run(char **words, char **variables) {
    int ends[2];
    if (pipe(ends))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        execve(words[0], words, variables);
        _exit(99);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t count; (count = read(ends[0], output + used, sizeof output - 1 - used)) > 0;)
        used += count;
    output[used] = 0;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
// Variables of the test itself go on to the program that is run.
static int with(char *first, char *second) {
    char *variables[1000] = {0}, *words[] = {self, "-", NULL};
    int count = 0;
    for (char **variable = environ; *variable; variable++)
        variables[count++] = *variable;
    if (first)
        variables[count++] = first;
    if (second)
        variables[count++] = second;
    return run(words, variables);
}
static const char *has(const char *text) { return strstr(output, text) ? "yes" : "no"; }

static int find_linker(struct dl_phdr_info *info, size_t size, void *unused) {
    const char *name = strrchr(info->dlpi_name, '/');
    if (name && !strncmp(name, "/ld-linux", 9))
        strcpy(dynamic_linker, info->dlpi_name);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        printf("the result\n");
        fflush(stdout);
        return far_add(0);
    }
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return 1;
    dl_iterate_phdr(find_linker, NULL);

    printf("LD_BIND_NOW: %d\n", with("LD_BIND_NOW=1", NULL));
    with("LD_SHOW_AUXV=1", NULL);
    printf("LD_SHOW_AUXV: AT_PHDR %s, AT_ENTRY %s, AT_EXECFN %s, result %s\n", has("AT_PHDR:"), has("AT_ENTRY:"),
           has("AT_EXECFN:"), has("the result"));
    with("LD_TRACE_LOADED_OBJECTS=1", NULL);
    printf("LD_TRACE_LOADED_OBJECTS: libc %s, result %s\n", has("libc.so.6 =>"), has("the result"));
    with("LD_DEBUG=bindings", NULL);
    printf("LD_DEBUG: bindings of the program %s, result %s\n", has("normal symbol `puts'"), has("the result"));
    with("LD_DEBUG=statistics", NULL);
    printf("LD_DEBUG=statistics: relocations %s, result %s\n", has("number of relocations"), has("the result"));
    printf("LD_LIBRARY_PATH: %d\n", with("LD_LIBRARY_PATH=/lib:/does not exist:.", NULL));
    printf("LD_WARN and LD_VERBOSE: %d\n", with("LD_WARN=1", "LD_VERBOSE=1"));
    printf("GLIBC_TUNABLES: %d\n", with("GLIBC_TUNABLES=glibc.malloc.check=3:glibc.pthread.rseq=0", NULL));
    printf("LD_HWCAP_MASK and LD_DYNAMIC_WEAK: %d\n", with("LD_HWCAP_MASK=0", "LD_DYNAMIC_WEAK=1"));
    printf("MALLOC_PERTURB_: %d\n", with("MALLOC_PERTURB_=85", "MALLOC_ARENA_MAX=1"));
    char *nothing[] = {NULL}, *words[] = {self, "-", NULL};
    printf("no environment: %d\n", run(words, nothing));

    char *through[] = {dynamic_linker, self, "-", NULL};
    printf("through the dynamic linker: %d\n", run(through, environ));
    char *named[] = {dynamic_linker, "--argv0", "other", self, "-", NULL};
    printf("through the dynamic linker, by another name: %d\n", run(named, environ));
    char *verify[] = {dynamic_linker, "--verify", self, NULL};
    printf("verified by the dynamic linker: %d\n", run(verify, environ));
    char *list[] = {dynamic_linker, "--list", self, NULL};
    run(list, environ);
    printf("listed by the dynamic linker: libc %s, result %s\n", has("libc.so.6 =>"), has("the result"));
    return 0;
}
