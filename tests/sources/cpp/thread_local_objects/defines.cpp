#include <cstdio>

struct Counter {
    int value = 0;
    Counter();
    ~Counter();
};
Counter::Counter() { asm volatile(""); }
Counter::~Counter() { std::printf("destroyed with %d\n", value); }
thread_local Counter counter;
