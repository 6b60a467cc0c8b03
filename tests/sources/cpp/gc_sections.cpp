//#Flags: -O1 -ffunction-sections -fdata-sections
//#LinkFlags: -Wl,--gc-sections -Wl,--as-needed
//#Modes: pie nopie static
//#Stdout: caught: kept
// Exceptions when dead sections may be collected: tables that live code needs are alive.
#include <cstdio>
#include <stdexcept>

void dead() { throw std::logic_error("dead"); }
__attribute__((noinline)) static void live() { throw std::runtime_error("kept"); }

int main() {
    try {
        live();
    } catch (const std::exception &error) {
        std::printf("caught: %s\n", error.what());
    }
}
