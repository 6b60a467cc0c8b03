//#Compiler: g++ clang++
//#Modes: pie nopie
//#Flags: -g -O0
//#Object: thrower.cpp
#include <cstdio>
#include <stdexcept>
void thrower(int depth);
static int catcher(int depth) {
    try {
        thrower(depth);
    } catch (const std::logic_error &error) {
        std::printf("caught %s\n", error.what());
        return 1;
    } catch (int number) {
        std::printf("caught %d\n", number);
        return 2;
    }
    return 0;
}
int main() {
    int sum = catcher(2);
    sum += catcher(3);
    return sum == 3 ? 0 : 1;
}
