//#Flags: -O1
//#Modes: pie nopie
//#Stdout: thrown through qsort: stop
// An exception passes through frames of libc, between frames of the program.
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

alignas(8192) static int numbers[] = {3, 1, 2};
__attribute__((aligned(8192))) static int compare(const void *, const void *) { throw std::runtime_error("stop"); }

int main() {
    try {
        std::qsort(numbers, 3, sizeof *numbers, compare);
    } catch (const std::exception &error) {
        std::printf("thrown through qsort: %s\n", error.what());
    }
}
