//#Compiler: g++ clang++
//#Modes: pie nopie static
//#Stdout: hello 42 3.50 0x2a
#include <iomanip>
#include <iostream>

int main() {
    std::cout << "hello " << 42 << ' ' << std::fixed << std::setprecision(2) << 3.5 << " 0x" << std::hex << 42
              << std::endl;
}
