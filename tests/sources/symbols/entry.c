//#LinkFlags: -nostartfiles -Wl,-e,begin_here
//#Flags: -fno-stack-protector
//#Modes: pie nopie static
//#Exit: 17
// Another entry point than _start.
__attribute__((noreturn)) void begin_here(void) {
    __asm__ volatile("syscall" : : "a"(231), "D"(17) : "rcx", "r11", "memory");
    __builtin_unreachable();
}
