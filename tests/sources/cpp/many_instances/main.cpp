//#Object: one.cpp two.cpp three.cpp
//#Flags: -O0 -I$SRC
//#Modes: pie nopie
//#Stdout: 4 units agree on 3 maps: 60 60 60 60
// Four units that instantiate the same large templates, so that most sections of three of them are discarded.
#include "common.h"
#include <iostream>

int one(), two(), three();

int main() {
    std::cout << "4 units agree on 3 maps: " << total() << ' ' << one() << ' ' << two() << ' ' << three() << '\n';
}
