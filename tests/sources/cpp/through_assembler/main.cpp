//#Object: frame.S
//#Flags: -O1
//#Compiler: g++ clang++
//#Modes: pie nopie static
//#Stdout: caught 5 through hand-written frames, registers kept: yes
// An exception passes through hand-written code whose unwind information is its own, with a frame pointer,
// and with saved registers.
#include <cstdio>

extern "C" void with_frame(void (*)()), with_saved_registers(void (*)());
static void thrower() { throw 5; }
static void between() { with_saved_registers(thrower); }

int main(int argc, char **argv) {
    register long kept asm("rbx") = 1234 + argc;
    asm volatile("" : "+r"(kept));
    int caught = 0;
    try {
        with_frame(between);
    } catch (int number) {
        caught = number;
    }
    asm volatile("" : "+r"(kept));
    std::printf("caught %d through hand-written frames, registers kept: %s\n", caught, kept == 1234 + argc ? "yes" : "no");
}
