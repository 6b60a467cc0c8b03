//#Object: thrower.cpp
//#Compiler: g++ clang++
//#Modes: pie nopie static static-pie
//#Flags: -O1
//#Stdout: destructors: 200, caught depth 0
//#Stdout: by base class: derived 7
//#Stdout: from a constructor: member destroyed
//#Stdout: from a constructor: half built
//#Stdout: rethrown: first, then wrapped
//#Stdout: nested: outer because of inner
//#Stdout: 1000 exceptions
//#Stdout: catch (...): yes
//#Stdout: int 5, pointer text
// Exceptions through frames that nothing has touched before: the unwinder reads tables, calls the personality
// routine and runs destructors in them.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

struct Base { virtual ~Base() = default; int value = 7; };
struct Derived : Base {};
void throw_at_depth(int depth);
void throw_derived();
extern int destroyed;

struct Member { ~Member() { std::puts("from a constructor: member destroyed"); } };
struct HalfBuilt {
    Member member;
    HalfBuilt() { throw std::runtime_error("half built"); }
    ~HalfBuilt() { std::puts("never"); }
};

static void wrap() {
    try {
        throw std::logic_error("first");
    } catch (const std::exception &error) {
        throw std::runtime_error(std::string(error.what()) + ", then wrapped");
    }
}

int main() {
    try {
        throw_at_depth(200);
    } catch (int depth) {
        std::printf("destructors: %d, caught depth %d\n", destroyed, depth);
    }
    try {
        throw Derived();
    } catch (const Base &base) {
        std::printf("by base class: derived %d\n", base.value);
    }
    try {
        HalfBuilt half;
    } catch (const std::runtime_error &error) {
        std::printf("from a constructor: %s\n", error.what());
    }
    try {
        wrap();
    } catch (const std::exception &error) {
        std::printf("rethrown: %s\n", error.what());
    }
    try {
        try {
            throw std::runtime_error("inner");
        } catch (...) {
            std::throw_with_nested(std::runtime_error("outer"));
        }
    } catch (const std::exception &outer) {
        try {
            std::rethrow_if_nested(outer);
        } catch (const std::exception &inner) {
            std::printf("nested: %s because of %s\n", outer.what(), inner.what());
        }
    }
    int count = 0;
    for (int i = 0; i < 1000; i++) {
        try {
            throw_at_depth(i % 10);
        } catch (int) {
            count++;
        }
    }
    std::printf("%d exceptions\n", count);
    try {
        throw_derived();
    } catch (...) {
        std::puts("catch (...): yes");
    }
    try {
        try {
            throw 5;
        } catch (int number) {
            std::printf("int %d, ", number);
            throw "text";
        }
    } catch (const char *text) {
        std::printf("pointer %s\n", text);
    }
}
