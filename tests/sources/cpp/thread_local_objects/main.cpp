//#Object: defines.cpp
//#Flags: -O1 -pthread
//#Compiler: g++ clang++
//#Modes: pie nopie static
//#Stdout: main: 1
//#Stdout: thread: 1 2
//#Stdout: destroyed with 2
//#Stdout: thread: 1 2
//#Stdout: destroyed with 2
//#Stdout: main: 2
//#Stdout: destroyed with 2
// Thread-local objects with constructors and destructors, used from another translation unit than defines
// them.
#include <cstdio>
#include <thread>

struct Counter {
    int value = 0;
    Counter();
    ~Counter();
};
extern thread_local Counter counter;

static void body() {
    int first = ++counter.value, second = ++counter.value;
    std::printf("thread: %d %d\n", first, second);
}

int main() {
    std::printf("main: %d\n", ++counter.value);
    std::thread(body).join();
    std::thread(body).join();
    std::printf("main: %d\n", ++counter.value);
}
