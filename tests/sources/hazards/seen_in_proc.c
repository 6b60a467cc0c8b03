//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: one thread: 1
//#Stdout: no signal is blocked or taken: 1
//#Stdout: untouched code can be executed: r-xp
//#Stdout: its file is the program: 1
//#Stdout: code is nowhere writable: 1
//#Stdout: descriptors beyond those of the start: 0
//#KnownDifference: no signal is blocked or taken: 0
//#KnownDifference: untouched code can be executed: ---p
//#KnownDifference: its file is the program: 0
//#KnownDifference: descriptors beyond those of the start: 1
//#KnownDifference: descriptors beyond those of the start: 2
//#KnownDifference: descriptors beyond those of the start: 3
//#KnownDifference: one thread: 2
// What /proc says of the process is what it says of any.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>

FAR_PAGE(far);
int main(int argc, char **argv);

static int one_thread(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    return count;
}
static int no_signal(void) {
    char line[200];
    unsigned long long taken = 1, blocked = 1, ignored = 1;
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "SigCgt: %llx", &taken);
        sscanf(line, "SigBlk: %llx", &blocked);
        sscanf(line, "SigIgn: %llx", &ignored);
    }
    return !taken && !blocked && !(ignored & (1 << (SIGSEGV - 1) | 1 << (SIGBUS - 1)));
}
// The line of /proc/self/maps for this address.
static int mapping_of(const void *address, char *access, char *path) {
    char line[4500];
    unsigned long start, end;
    FILE *file = fopen("/proc/self/maps", "r");
    while (file && fgets(line, sizeof line, file)) {
        *path = 0;
        if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %4095s", &start, &end, access, path) >= 3 &&
            (uintptr_t)address >= start && (uintptr_t)address < end)
            return 1;
    }
    return 0;
}
static int executable(void) {
    char access[5] = "none", path[4096];
    mapping_of(far, access, path);
    printf("untouched code can be executed: %s\n", access);
    exit(0);
}
static int of_program(void) {
    char access[5], path[4096], self[4096] = "";
    return mapping_of(far, access, path) && readlink("/proc/self/exe", self, sizeof self - 1) > 0 && !strcmp(path, self);
}
static int not_writable(void) {
    char access[5], path[4096];
    return mapping_of(main, access, path) && !strchr(access, 'w') && mapping_of(far, access, path) && !strchr(access, 'w');
}
// As the start opened none, the lowest that are free are above those that the parent gave.
static int descriptors(void) {
    int count = 0;
    DIR *open_ones = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(open_ones));) {
        int flags = entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(open_ones) ? -1 : fcntl(atoi(entry->d_name), F_GETFD);
        // What a parent has given to this process is without this flag.
        count += flags >= 0 && flags & FD_CLOEXEC;
    }
    return count;
}

static const struct check checks[] = {
    {"one thread", one_thread},
    {"no signal is blocked or taken", no_signal},
    {"untouched code can be executed", executable},
    {"its file is the program", of_program},
    {"code is nowhere writable", not_writable},
    {"descriptors beyond those of the start", descriptors},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
