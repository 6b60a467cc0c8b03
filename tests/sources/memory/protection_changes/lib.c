#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

int protect_by_library(void *start, unsigned long length, int protection) {
    return mprotect(start, length, protection);
}

int protect_by_library_call(void *start, unsigned long length, int protection) {
    return syscall(SYS_mprotect, start, length, protection);
}
