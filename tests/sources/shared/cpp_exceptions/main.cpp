//#Shared: libthrower.so = thrower.cpp
//#Shared: libcatcher.so = catcher.cpp
//#SharedFlags: libcatcher.so = libthrower.so
//#Compiler: g++ clang++
//#Stdout: the program catches: thrown by a library (7)
//#Stdout: a library catches: thrown by a library (8)
//#Stdout: a library catches the program's: out of range
//#Stdout: through both, with destructors: guard guard caught 9
//#Stdout: typeid agrees: yes, dynamic_cast works: yes
//#Stdout: a local type stays local: yes
//#LinkFlags: -Wl,-rpath-link,$LIB
// Exceptions cross libraries, and types are the same everywhere.
#include <cstdio>
#include <stdexcept>
#include "types.h"

int main() {
    try {
        throw_it(7);
    } catch (const Error &error) {
        std::printf("the program catches: %s (%d)\n", error.what(), error.number);
    }
    catch_in_library([] { throw_it(8); });
    catch_in_library([] { throw std::out_of_range("out of range"); });
    std::printf("through both, with destructors: ");
    try {
        call_through([] { throw 9; });
    } catch (int number) {
        std::printf("caught %d\n", number);
    }
    Base *made = make();
    std::printf("typeid agrees: %s, dynamic_cast works: %s\n", typeid(*made) == typeid(Derived) ? "yes" : "no",
                dynamic_cast<Derived *>(made) ? "yes" : "no");
    delete made;
    try {
        throw_local();
    } catch (const std::exception &) {
        std::printf("a local type stays local: yes\n");
    }
}
