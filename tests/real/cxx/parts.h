// A C++ program in several files: what of the language and its run-time library a linker has to get right.
// Its output is the same every time, whatever the threads do.
#pragma once
#include <stdexcept>
#include <string>
#include <vector>

// Initialised in another file than used in, before main, by priority where the order matters.
struct Journal {
    std::vector<std::string> lines;
    void note(const std::string &line) { lines.push_back(line); }
};
Journal &journal();
struct Note {
    explicit Note(const char *text) : text(text) { journal().note(std::string("made ") + text); }
    ~Note();
    const char *text;
};

// failures.cc
class Failure : public std::runtime_error {
public:
    Failure(const std::string &what, int depth) : std::runtime_error(what), depth(depth) {}
    const int depth;
};
struct Base { virtual ~Base() = default; virtual std::string name() const = 0; };
struct Left : virtual Base { std::string name() const override; };
struct Right : virtual Base { int right = 2; };
struct Diamond final : Left, Right { std::string name() const override; };
int unwinding();

// threads.cc
int threads();
extern thread_local int visits;       // initialised statically
extern thread_local std::string mark; // initialised on first use, through a wrapper

// statics.cc
int statics();
extern int early_value;
inline int shared_inline_counter() { static int count = 0; return ++count; } // one in the whole program
template <typename T> struct Registry { static std::vector<T> items; };
template <typename T> std::vector<T> Registry<T>::items;

// streams.cc
int streams();
