#include <cstdio>
#include <stdexcept>
#include <string>
#include "plugin.h"

struct Log {
    std::string text = "static objects are gone";
    ~Log() { std::puts(text.c_str()); }
};
static Log log_;

struct Square : Shape {
    int area() override { return 12; }
    int catches() override {
        try {
            throw 1;
        } catch (int number) {
            return number;
        }
    }
    void fail() override { throw std::runtime_error("from the plugin"); }
};
extern "C" Shape *make() { return new Square; }
