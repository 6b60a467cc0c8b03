//#Flags: -std=c++17 -O1
//#Modes: pie nopie
//#Stdout: 1234567.891
//#Stdout: ABC 3
//#Stdout: 90 minutes are 5400 seconds
//#Stdout: dir/file.txt has extension .txt
#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <locale>
#include <string>
#include <string_view>

int main() {
    std::cout.imbue(std::locale::classic());
    std::cout << std::fixed << std::setprecision(3) << 1234567.891 << '\n';
    std::string text = "abc";
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    std::string_view view = text;
    std::cout << view << ' ' << view.size() << '\n';
    using namespace std::chrono_literals;
    std::cout << "90 minutes are " << std::chrono::seconds(90min).count() << " seconds\n";
    std::filesystem::path path = "dir/file.txt";
    std::cout << path.string() << " has extension " << path.extension().string() << '\n';
}
