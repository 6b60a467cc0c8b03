#include <cstdio>

static struct Second {
    Second() { std::puts("second.cpp's"); }
    ~Second() { std::puts("end of second.cpp's"); }
} second;
