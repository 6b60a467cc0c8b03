//#Shared: libv.so = lib.cpp
//#Stdout: 300 objects, sum 44850
// A library with hundreds of vtables and their functions.
#include <cstdio>
#include "lib.h"

int main() {
    std::printf("%d objects, sum %d\n", count(), sum());
}
