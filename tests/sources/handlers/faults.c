//#Flags: -O1 -pthread -I$SRC/../../include
//#Modes: pie nopie static
//#Stdout: write to null: yes
//#Stdout: read of null: yes
//#Stdout: protected page: yes
//#Stdout: page that may only be read: yes
//#Stdout: page that is not there any more: yes
//#Stdout: address that is none: yes
//#Stdout: address of the kernel: yes
//#Stdout: call of null: yes
//#Stdout: call of nowhere: yes
//#Stdout: execution of data: yes
//#Stdout: execution of the stack: yes
//#Stdout: write to a constant: yes
//#Stdout: execution of a constant: yes
//#Stdout: write to code: yes
//#Stdout: write to untouched code: yes
//#Stdout: addition to untouched code: yes
//#Stdout: read of untouched code: yes
//#Stdout: in front of the program: yes
//#Stdout: beyond the end of a file: yes
//#Stdout: behind a truncation: yes
//#Stdout: registers: yes
//#Stdout: a hundred: yes
// The program's handler, itself untouched, sees its own faults as the kernel reports them: code, address, error
// code, trap, and the registers of the moment. Untouched code runs between them.
#define _GNU_SOURCE
#include "cases.h"
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t seen;
static gregset_t registers;
static volatile int count;
static char *page;

UNTOUCHED static void handler(int signal, siginfo_t *info, void *context) {
    ALONE;
    count++;
    seen = *info;
    memcpy(&registers, &((ucontext_t *)context)->uc_mcontext.gregs, sizeof registers);
    siglongjmp(back, 1);
}
static void prepare(void) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

enum { READ = 4, WRITE = 6, FETCH = 20, PRESENT = 1 };
static int was(int signal, int code, const volatile void *address, long error) {
    // One fault, and an untouched function whose first touch is none of the program's.
    int trap = registers[REG_TRAPNO];
    return count == 1 && seen.si_signo == signal && seen.si_code == code && seen.si_addr == address &&
           seen.si_errno == 0 && trap == 14 && registers[REG_ERR] == error && registers[REG_CR2] == (long)address &&
           untouched(1) == 2 && count == 1;
}
#define FAULT(statement) do { prepare(); if (!sigsetjmp(back, 1)) { statement; } } while (0)
#define TO(address) (*(volatile char *)(address))

static int write_to_null(void) {
    FAULT(TO(8) = 1);
    return was(SIGSEGV, SEGV_MAPERR, (void *)8, WRITE);
}
static int read_of_null(void) {
    FAULT((void)TO(16));
    return was(SIGSEGV, SEGV_MAPERR, (void *)16, READ);
}
static int protected_page(void) {
    FAULT(TO(page + 100) = 1);
    return was(SIGSEGV, SEGV_ACCERR, page + 100, WRITE);
}
static int read_only_page(void) {
    prepare();
    mprotect(page, 4096, PROT_READ);
    char byte = TO(page);
    if (!sigsetjmp(back, 1))
        TO(page + 9) = byte;
    return was(SIGSEGV, SEGV_ACCERR, page + 9, WRITE | PRESENT);
}
static int unmapped_page(void) {
    prepare();
    munmap(page, 4096);
    if (!sigsetjmp(back, 1))
        TO(page) = 1;
    return was(SIGSEGV, SEGV_MAPERR, page, WRITE);
}
static int not_canonical(void) {
    FAULT(TO(0x8000000000000000ul) = 1);
    // The processor says no address.
    return count == 1 && seen.si_signo == SIGSEGV && seen.si_code == SI_KERNEL && seen.si_addr == NULL &&
           registers[REG_TRAPNO] == 13 && untouched(1) == 2 && count == 1;
}
static int kernel_address(void) {
    FAULT((void)TO(0xffffffff81000000ul));
    return count == 1 && seen.si_signo == SIGSEGV && seen.si_code == SEGV_MAPERR &&
           seen.si_addr == (void *)0xffffffff81000000ul && untouched(1) == 2 && count == 1;
}
static int call_of_null(void) {
    void (*volatile null)(void) = NULL;
    FAULT(null());
    return was(SIGSEGV, SEGV_MAPERR, NULL, FETCH) && registers[REG_RIP] == 0;
}
static int call_of_nowhere(void) {
    void (*volatile nowhere)(void) = (void (*)(void))0x1234567000;
    FAULT(nowhere());
    return was(SIGSEGV, SEGV_MAPERR, nowhere, FETCH) && registers[REG_RIP] == 0x1234567000;
}
static char data[100] = {0xc3}; // ret
static const char constant[100] = {0xc3};
static int execution_of_data(void) {
    char *volatile place = data;
    TO(place + 1) = 0;
    FAULT(((void (*)(void))place)());
    return was(SIGSEGV, SEGV_ACCERR, place, FETCH | PRESENT) && registers[REG_RIP] == (long)place;
}
static int execution_of_stack(void) {
    volatile char here[100] = {(char)0xc3};
    FAULT(((void (*)(void))here)());
    return was(SIGSEGV, SEGV_ACCERR, here, FETCH | PRESENT);
}
static int write_to_constant(void) {
    const char *volatile place = constant;
    char byte = TO(place);
    FAULT(TO(place) = byte);
    return was(SIGSEGV, SEGV_ACCERR, place, WRITE | PRESENT);
}
static int execution_of_constant(void) {
    const char *volatile place = constant;
    char byte = TO(place);
    FAULT(((void (*)(void))place)(); (void)byte);
    return was(SIGSEGV, SEGV_ACCERR, place, FETCH | PRESENT);
}
static int write_to_touched_code(void) {
    char *volatile place = (char *)(long)write_to_touched_code;
    FAULT(TO(place) = 1);
    return was(SIGSEGV, SEGV_ACCERR, place, WRITE | PRESENT);
}
UNTOUCHED static int more_code(void) {
    ALONE;
    return 5;
}
static int write_to_untouched_code(void) {
    char *volatile place = (char *)(long)more_code;
    FAULT(TO(place) = 1);
    // Whether a page of a file is present is the kernel's affair.
    registers[REG_ERR] |= PRESENT;
    return was(SIGSEGV, SEGV_ACCERR, place, WRITE | PRESENT) && more_code() == 5;
}
static int exchange_on_untouched_code(void) {
    long *volatile place = (long *)(long)more_code;
    FAULT(__atomic_fetch_add(place, 1, __ATOMIC_SEQ_CST));
    registers[REG_ERR] |= PRESENT;
    return was(SIGSEGV, SEGV_ACCERR, place, WRITE | PRESENT) && more_code() == 5 && count == 1;
}
static int read_of_untouched_code(void) {
    volatile unsigned char *place = (unsigned char *)(long)more_code;
    unsigned char byte = 0xcc;
    FAULT(byte = place[64]); // of the filling
    return count == 0 && byte == 0xcc && more_code() == 5;
}
extern char __executable_start, _end;
static int before_the_program(void) {
    char *volatile place = &__executable_start - 4096;
    FAULT((void)TO(place));
    return was(SIGSEGV, SEGV_MAPERR, place, READ);
}
static int beyond_the_file(void) {
    FILE *file = tmpfile();
    putc(1, file), fflush(file);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    FAULT(TO(map + 4196) = 1);
    return was(SIGBUS, BUS_ADRERR, map + 4196, WRITE) && map[0] == 1;
}
static int behind_a_truncation(void) {
    FILE *file = tmpfile();
    ftruncate(fileno(file), 8192);
    char *map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    char byte = TO(map + 4096);
    ftruncate(fileno(file), 10);
    FAULT(byte = TO(map + 4097));
    return was(SIGBUS, BUS_ADRERR, map + 4097, READ) && byte == 0;
}
static int registers_are_kept(void) {
    prepare();
    if (!sigsetjmp(back, 1))
        __asm__ volatile("mov $0x1111, %%r12; mov $0x2222, %%r13; mov $0x3333, %%r9; mov $0x4444, %%r10\n\t"
                         "mov $24, %%rdi; stc; movb $1, (%%rdi)"
                         : : : "r12", "r13", "r9", "r10", "rdi", "memory", "cc");
    return registers[REG_R12] == 0x1111 && registers[REG_R13] == 0x2222 && registers[REG_R9] == 0x3333 &&
           registers[REG_R10] == 0x4444 && registers[REG_RDI] == 24 && (registers[REG_EFL] & 1) &&
           was(SIGSEGV, SEGV_MAPERR, (void *)24, WRITE);
}
static int many_after_each_other(void) {
    prepare();
    for (volatile int i = 1; i <= 100; i++) {
        if (!sigsetjmp(back, 1))
            TO(8l * i) = 1;
        if (count != i || seen.si_addr != (void *)(8l * i))
            return 0;
    }
    return untouched(1) == 2 && count == 100;
}

int main(int argc, char **argv) {
    return run_cases(argc, argv, (struct test_case[]){
        {"write to null", write_to_null},
        {"read of null", read_of_null},
        {"protected page", protected_page},
        {"page that may only be read", read_only_page},
        {"page that is not there any more", unmapped_page},
        {"address that is none", not_canonical},
        {"address of the kernel", kernel_address},
        {"call of null", call_of_null},
        {"call of nowhere", call_of_nowhere},
        {"execution of data", execution_of_data},
        {"execution of the stack", execution_of_stack},
        {"write to a constant", write_to_constant},
        {"execution of a constant", execution_of_constant},
        {"write to code", write_to_touched_code},
        {"write to untouched code", write_to_untouched_code},
        {"addition to untouched code", exchange_on_untouched_code},
        {"read of untouched code", read_of_untouched_code},
        {"in front of the program", before_the_program},
        {"beyond the end of a file", beyond_the_file},
        {"behind a truncation", behind_a_truncation},
        {"registers", registers_are_kept},
        {"a hundred", many_after_each_other},
        {},
    });
}
