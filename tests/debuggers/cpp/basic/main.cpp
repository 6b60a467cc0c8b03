//#Compiler: g++ clang++
//#Modes: pie
//#Flags: -g -O0 -std=c++17
//#Object: shapes.cpp
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "shapes.h"

namespace outer {
int counter = 5;
inline namespace v2 {
int of_namespace(int x) { return x + counter; }
}
template <typename T, int N> struct Box {
    T content;
    static T zero;
    T get(T plus) const {
        T result = content + plus;
        return result + N;
    }
};
template <typename T, int N> T Box<T, N>::zero = T(3);
}

namespace {
int overloaded(int x) { return x + 1; }
int overloaded(double x) { return (int)(x * 2); }
int overloaded(const std::string &x) { return (int)x.size(); }
struct Local {
    int value;
    int operator()(int x) const { return value + x; }
};
}

static int stop_here(const std::string &text, const std::vector<int> &numbers, const std::map<int, std::string> &map) {
    int sum = (int)text.size();
    for (int number : numbers)
        sum += number;
    return sum + (int)map.size();
}

int main() {
    std::string text = "some text of the program";
    std::vector<int> numbers{4, 5, 6};
    std::map<int, std::string> map{{1, "one"}, {2, "two"}};
    outer::Box<int, 7> box{10};
    outer::Box<double, 2> other{0.5};
    std::unique_ptr<Shape> shape = make_shape(3);
    std::unique_ptr<Shape> square = make_shape(4);
    Shape *plain = shape.get();
    Local local{100};
    auto lambda = [&](int x) { return x + numbers[0]; };
    int sum = stop_here(text, numbers, map);
    sum += box.get(1) + (int)other.get(0.5);
    sum += outer::of_namespace(1) + overloaded(1) + overloaded(2.5) + overloaded(text);
    sum += shape->area() + square->area() + local(1) + lambda(2);
    std::printf("%d\n", sum);
    return 0;
}
