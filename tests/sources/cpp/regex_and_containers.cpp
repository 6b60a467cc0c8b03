//#Flags: -O0
//#Modes: pie nopie
//#Stdout: key=value -> key, value
//#Stdout: 3 words: lazy linker links
//#Stdout: a:1 b:2 c:3
//#Stdout: 1 2 3 5 8
//#Stdout: visited int 5 and string six
// A large amount of template code at -O0: thousands of small COMDAT functions.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

int main() {
    std::smatch match;
    std::string assignment = "key=value";
    if (std::regex_match(assignment, match, std::regex("(\\w+)=(\\w+)")))
        std::cout << assignment << " -> " << match[1] << ", " << match[2] << '\n';
    std::string sentence = "lazy, linker; links";
    std::regex word("[a-z]+");
    std::vector<std::string> words{std::sregex_token_iterator(sentence.begin(), sentence.end(), word), {}};
    std::cout << words.size() << " words:";
    for (auto &text : words)
        std::cout << ' ' << text;
    std::cout << '\n';
    std::unordered_map<std::string, int> numbers{{"b", 2}, {"a", 1}, {"c", 3}};
    std::map<std::string, int> sorted(numbers.begin(), numbers.end());
    const char *separator = "";
    for (auto &[name, number] : sorted) {
        std::cout << separator << name << ':' << number;
        separator = " ";
    }
    std::vector<int> values{8, 3, 1, 5, 2};
    std::sort(values.begin(), values.end());
    std::cout << '\n';
    for (size_t i = 0; i < values.size(); i++)
        std::cout << values[i] << (i + 1 < values.size() ? ' ' : '\n');
    std::variant<int, std::string> first = 5, second = std::string("six");
    auto name = [](auto &value) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int>)
            return "int " + std::to_string(value);
        else
            return "string " + value;
    };
    std::cout << "visited " << std::visit(name, first) << " and " << std::visit(name, second) << '\n';
}
