//#Object: second.cpp
//#Modes: pie nopie static
//#Compiler: g++ clang++
//#Stdout: main.cpp's first
//#Stdout: main.cpp's second
//#Stdout: second.cpp's
//#Stdout: main
//#Stdout: local static, once
//#Stdout: used 3 times
//#Stdout: end of local static
//#Stdout: end of second.cpp's
//#Stdout: end of main.cpp's second
//#Stdout: end of main.cpp's first
// Static objects are made in the order of the files and destroyed in the opposite one.
#include <cstdio>

struct Speaker {
    const char *name;
    Speaker(const char *name) : name(name) { std::puts(name); }
    ~Speaker() { std::printf("end of %s\n", name); }
};
static Speaker first("main.cpp's first"), second("main.cpp's second");

struct Local {
    int uses = 0;
    Local() { std::puts("local static, once"); }
    ~Local() { std::puts("end of local static"); }
};
static Local &local() {
    static Local instance;
    instance.uses++;
    return instance;
}

int main() {
    std::puts("main");
    local(), local();
    std::printf("used %d times\n", local().uses);
}
