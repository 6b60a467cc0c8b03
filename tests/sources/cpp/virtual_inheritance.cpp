//#Flags: -O1
//#Compiler: g++ clang++
//#Modes: pie nopie static
//#Stdout: left right bottom
//#Stdout: one base: yes, value 9
//#Stdout: cross cast: yes, bad cast noticed
//#Stdout: pointer to member: 18, virtual by pointer: bottom
//#Stdout: covariant: bottom
// Virtual bases, construction tables, thunks and pointers to members.
#include <cstdio>
#include <typeinfo>

struct Base {
    int value = 1;
    virtual ~Base() = default;
    virtual const char *name() const { return "base"; }
    virtual Base *self() { return this; }
};
struct Left : virtual Base {
    Left() { std::printf("left "); value += 3; }
    int doubled() { return value * 2; }
};
struct Right : virtual Base {
    Right() { std::printf("right "); value += 5; }
    Right *self() override { return this; }
};
struct Bottom : Left, Right {
    Bottom() { std::printf("bottom\n"); }
    const char *name() const override { return "bottom"; }
    Bottom *self() override { return this; }
};
struct Unrelated { virtual ~Unrelated() = default; };

int main() {
    Bottom bottom;
    Left *left = &bottom;
    Right *right = &bottom;
    Base *base = &bottom;
    std::printf("one base: %s, value %d\n", static_cast<Base *>(left) == static_cast<Base *>(right) ? "yes" : "no",
                bottom.value);
    bool crossed = dynamic_cast<Right *>(left) == right;
    try {
        (void)dynamic_cast<Unrelated &>(*base);
    } catch (const std::bad_cast &) {
        std::printf("cross cast: %s, bad cast noticed\n", crossed ? "yes" : "no");
    }
    int (Left::*volatile member)() = &Left::doubled;
    const char *(Base::*volatile virtual_member)() const = &Base::name;
    std::printf("pointer to member: %d, virtual by pointer: %s\n", (left->*member)(), (base->*virtual_member)());
    std::printf("covariant: %s\n", right->self()->name());
}
