// Exceptions through many frames with destructors, rethrown, nested, across threads; dynamic_cast.
#include "parts.h"

#include <exception>
#include <future>
#include <iostream>
#include <memory>
#include <new>
#include <typeinfo>

static Note note_of_failures("failures.cc");

std::string Left::name() const { return "left"; }
std::string Diamond::name() const { return "diamond of " + Left::name(); }

static int alive = 0;
struct Guard {
    Guard() { ++alive; }
    ~Guard() { --alive; }
};

// Frames of many kinds: recursion through a template, so that each level is a function of its own.
template <int N> __attribute__((noinline)) int descend(int stop) {
    Guard guard;
    std::string held(N + 20, 'x'); // something on the heap for the unwinder to clean up
    if (N == stop)
        throw Failure("stopped at " + std::to_string(N), N);
    int below = descend<N - 1>(stop);
    return below + static_cast<int>(held.size());
}
template <> int descend<0>(int) { return 0; }

__attribute__((noinline)) static int recurse(int n) {
    Guard guard;
    if (n == 0)
        throw n;
    return recurse(n - 1) + 1;
}

static void quiet() noexcept(false) {
    try {
        descend<60>(13);
    } catch (...) {
        std::throw_with_nested(std::logic_error("while descending"));
    }
}

static void explain(const std::exception &e, int level = 0) {
    std::cout << std::string(level * 2, ' ') << e.what() << '\n';
    try {
        std::rethrow_if_nested(e);
    } catch (const std::exception &inner) {
        explain(inner, level + 1);
    }
}

struct Picky {
    Guard first;
    std::unique_ptr<int> second = std::make_unique<int>(7);
    explicit Picky(bool fail) try : Picky_member(fail) {
    } catch (const char *text) {
        std::cout << "in the constructor: " << text << '\n';
        throw;
    }
    struct Member {
        explicit Member(bool fail) { if (fail) throw "a member failed"; }
    } Picky_member;
};

int unwinding() {
    int caught = 0;
    for (int stop = 1; stop < 60; stop += 2) {
        try {
            descend<60>(stop);
        } catch (const Failure &failure) {
            caught += failure.depth;
        }
    }
    std::cout << "caught " << caught << ", alive " << alive << '\n';
    try {
        recurse(5000);
    } catch (int n) {
        std::cout << "int " << n << ", alive " << alive << '\n';
    }
    try {
        quiet();
    } catch (const std::exception &e) {
        explain(e);
    }
    try {
        Picky picky(true);
    } catch (const char *) {
        std::cout << "alive " << alive << '\n';
    }
    auto future = std::async(std::launch::async, [] { return descend<60>(31); });
    try {
        future.get();
    } catch (const std::exception &e) {
        std::cout << "from a thread: " << e.what() << " is a Failure: " << (typeid(e) == typeid(Failure)) << '\n';
    }
    try {
        std::vector<int>().at(3);
    } catch (const std::out_of_range &) {
        std::cout << "out of range\n";
    }
    try {
        Diamond diamond;
        Base &base = diamond;
        std::cout << dynamic_cast<Right &>(base).right << ' ' << (dynamic_cast<Journal *>(&journal()) != nullptr) << '\n';
        struct Other : Base { std::string name() const override { return "other"; } } other;
        Base &wrong = other;
        dynamic_cast<Right &>(wrong).right = 3;
    } catch (const std::bad_cast &e) {
        std::cout << e.what() << '\n';
    }
    try {
        volatile size_t huge = ~size_t(0) / 2;
        delete[] new char[huge];
    } catch (const std::bad_alloc &e) {
        std::cout << e.what() << '\n';
    }
    return caught + descend<60>(100);
}
