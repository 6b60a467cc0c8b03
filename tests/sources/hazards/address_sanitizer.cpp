//#MayRefuse: the sanitizer takes the signals of faults for itself
//#Flags: -O1 -fsanitize=address,undefined
//#LinkFlags: -fsanitize=address,undefined
//#Modes: pie nopie
//#Env: ASAN_OPTIONS=detect_leaks=0
//#Stdout: 45
#include <iostream>
#include <numeric>
#include <vector>

int main() {
    std::vector<int> numbers(10);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::cout << std::accumulate(numbers.begin(), numbers.end(), 0) << '\n';
}
