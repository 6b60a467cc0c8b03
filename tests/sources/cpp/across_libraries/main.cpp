//#Shared: libshape.so = shape.cpp
//#Compiler: g++ clang++
//#Flags: -O1 -I$SRC
//#Stdout: circle: yes, square: no
//#Stdout: made here: mine
//#Stdout: caught ShapeError: no such shape
//#Stdout: caught by base in the program: thrown by callback
//#Stdout: the library caught the program's: thrown by callback
//#Stdout: type names agree: yes
//#Stdout: one counter for both: 3
// Classes, exceptions, type information and inline variables that a program and a library share. There has
// to be one of each, or casts and catches fail.
#include "shape.h"
#include <cstdio>
#include <typeinfo>

struct Mine : Shape { const char *name() const override { return "mine"; } };

static void callback() { throw ShapeError("thrown by callback"); }

int main() {
    Shape *shape = make_shape("circle");
    std::printf("circle: %s, ", dynamic_cast<Circle *>(shape) ? "yes" : "no");
    std::printf("square: %s\n", dynamic_cast<Square *>(shape) ? "yes" : "no");
    Mine mine;
    std::printf("made here: %s\n", name_of(mine));
    try {
        make_shape("triangle");
    } catch (const ShapeError &error) {
        std::printf("caught ShapeError: %s\n", error.what());
    }
    try {
        call(callback);
    } catch (const std::exception &error) {
        std::printf("caught by base in the program: %s\n", error.what());
    }
    std::printf("the library caught the program's: %s\n", call_and_catch(callback).c_str());
    std::printf("type names agree: %s\n", typeid(*shape) == typeid(Circle) ? "yes" : "no");
    count_up();
    std::printf("one counter for both: %d\n", (counter += 2, counter));
    delete shape;
}
