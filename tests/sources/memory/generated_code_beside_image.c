//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: generated code calls: 42
//#Stdout: generated code in a hinted place calls: 42
//#Stdout: code in a file that is in memory: 42
// Code that the program makes itself calls code that was never touched, from nearby and from afar.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <stdint.h>
#include <sys/mman.h>

FAR_PAGE(far);

// mov $far, %rax; jmp *%rax
static void generate(char *at) {
    static const char start[] = {0x48, 0xb8}, end[] = {0xff, 0xe0};
    uintptr_t target = (uintptr_t)far;
    memcpy(at, start, 2);
    memcpy(at + 2, &target, 8);
    memcpy(at + 10, end, 2);
}
static int generated_at(char *hint) {
    char *code = mmap(hint, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED)
        return -errno;
    generate(code);
    return mprotect(code, 4096, PROT_READ | PROT_EXEC) ? -errno : ((int (*)(void))code)();
}
static int generated(void) { return generated_at(NULL); }
static int hinted(void) { return generated_at((char *)((uintptr_t)far & -4096) + (256 << 20)); }
static int in_file(void) {
    int file = memfd_create("code", 0);
    if (ftruncate(file, 4096))
        return -errno;
    char *writable = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    char *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    if (writable == MAP_FAILED || code == MAP_FAILED)
        return -errno;
    generate(writable);
    return ((int (*)(void))code)();
}

static const struct check checks[] = {
    {"generated code calls", generated},
    {"generated code in a hinted place calls", hinted},
    {"code in a file that is in memory", in_file},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
