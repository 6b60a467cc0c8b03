#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" const char *work() {
    static std::string result;
    std::vector<int> numbers = {3, 1, 2};
    std::sort(numbers.begin(), numbers.end());
    std::ostringstream out;
    out << "sorted";
    for (int number : numbers)
        out << ' ' << number;
    try {
        throw std::runtime_error("bad number");
    } catch (const std::exception &error) {
        out << ", caught " << error.what();
    }
    out << ", formatted " << 3.25;
    result = out.str();
    return result.c_str();
}
