#include <cstdio>
#include "types.h"

void catch_in_library(void (*function)()) {
    try {
        function();
    } catch (const Error &error) {
        std::printf("a library catches: %s (%d)\n", error.what(), error.number);
    } catch (const std::exception &error) {
        std::printf("a library catches the program's: %s\n", error.what());
    }
}
static void inner(void (*function)()) {
    Guard guard;
    function();
}
void call_through(void (*function)()) {
    Guard guard;
    inner(function);
}
