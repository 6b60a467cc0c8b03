//#Shared: libt.so = lib.cpp
//#Flags: -pthread -O1
//#Compiler: g++ clang++
//#Stdout: made main
//#Stdout: main: 1 2
//#Stdout: made thread
//#Stdout: thread: 1 2
//#Stdout: ended thread
//#Stdout: program uses it: main 3
//#Stdout: once 1
//#Stdout: ended main
// A library's thread-local objects are made for each thread that uses them, and end with it.
#include <cstdio>
#include <thread>
#include "lib.h"

int main() {
    use("main");
    std::thread([] { use("thread"); }).join();
    std::printf("program uses it: %s %d\n", object.name.c_str(), ++object.uses);
    std::thread threads[8];
    for (std::thread &thread : threads)
        thread = std::thread(call_once_in_library);
    for (std::thread &thread : threads)
        thread.join();
    std::printf("once %d\n", times());
}
