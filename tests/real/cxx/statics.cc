// Static constructors and destructors across files, priorities, weak symbols, inline variables.
#include "parts.h"

#include <iostream>

static Note note_of_statics("statics.cc");

Journal &journal() {
    static Journal *only = new Journal; // never destroyed: destructors of other files still use it
    return *only;
}
Note::~Note() { std::cout << "gone " << text << '\n'; }

int early_value = 1;
__attribute__((constructor(101))) static void first() { early_value *= 10; }
__attribute__((constructor(102))) static void second() { early_value += 5; }
__attribute__((constructor)) static void third() { early_value *= 2; }
__attribute__((destructor)) static void farewell() { std::cout << "destructor function" << std::endl; }
__attribute__((init_priority(300))) static Note early("with priority 300");
__attribute__((init_priority(200))) static Note earlier("with priority 200");

__attribute__((weak)) int not_defined_anywhere();
__attribute__((weak)) int replaced() { return 1; }

inline Note inline_variable("an inline variable");
static int dynamic_order = (Registry<int>::items.push_back(3), static_cast<int>(Registry<int>::items.size()));

int statics() {
    // The order between files is the linker's (that of its command line), so it is part of the comparison.
    for (const std::string &line : journal().lines)
        std::cout << line << '\n';
    std::cout << "early " << early_value << ", weak " << (not_defined_anywhere ? "defined" : "missing") << ' ' << replaced()
              << ", inline " << shared_inline_counter() << shared_inline_counter() << ", order " << dynamic_order << '\n';
    return early_value + replaced();
}
