#include <map>
#include <set>
#include <string>
#include <vector>

inline int total() {
    std::map<std::string, std::vector<int>> by_name{{"a", {1, 2}}, {"b", {3, 4}}};
    std::map<int, std::set<std::string>> by_number{{10, {"x", "y"}}, {20, {"z"}}};
    std::multimap<double, std::string> by_key{{1.5, "p"}, {1.5, "q"}};
    int sum = 0;
    for (auto &[name, numbers] : by_name)
        for (int number : numbers)
            sum += number;
    for (auto &[number, names] : by_number)
        sum += number * static_cast<int>(names.size());
    return sum + 5 * static_cast<int>(by_key.count(1.5));
}
