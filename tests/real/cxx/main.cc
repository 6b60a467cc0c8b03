// Runs every part; exits with a status that depends on all of them.
#include "parts.h"

#include <cstdlib>
#include <cstring>
#include <iostream>

static Note note_of_main("main.cc");

static void at_exit() { std::cout << "at exit" << std::endl; }

int main(int argc, char **argv) {
    std::atexit(at_exit);
    const char *last = argc > 1 ? argv[argc - 1] : "";
    if (!std::strcmp(last, "throw"))
        throw Failure("nobody catches this", 0); // terminate: SIGABRT
    if (!std::strcmp(last, "crash"))
        *static_cast<volatile int *>(nullptr) = 1; // the program's own fault stays its own
    int score = streams() + unwinding() + threads() + statics();
    std::cerr << "score " << score << '\n';
    return score & 0xff;
}
