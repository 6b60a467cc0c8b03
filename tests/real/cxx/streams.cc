// Streams, locales, containers, algorithms, regular expressions, files.
#include "parts.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <set>
#include <sstream>
#include <unordered_map>
#include <variant>

static Note note_of_streams("streams.cc");

struct Money { long cents; };
static std::ostream &operator<<(std::ostream &out, const Money &m) {
    return out << m.cents / 100 << '.' << std::setw(2) << std::setfill('0') << m.cents % 100 << std::setfill(' ');
}

struct Grouped : std::numpunct<char> {
    char do_thousands_sep() const override { return '\''; }
    std::string do_grouping() const override { return "\3"; }
};

int streams() {
    std::cout << std::hex << std::showbase << 48879 << std::dec << ' ' << std::setprecision(12) << 3.14159265358979 << ' '
              << std::scientific << 12345.678 << ' ' << std::fixed << std::setprecision(2) << 2.0 / 3 << std::defaultfloat
              << std::setw(8) << std::left << "left" << '|' << std::boolalpha << true << ' ' << Money{123405} << '\n';

    std::ostringstream grouped;
    grouped.imbue(std::locale(std::locale::classic(), new Grouped));
    grouped << 1234567890;
    std::cout << grouped.str() << '\n';

    std::istringstream in("10 20 x 30");
    std::vector<int> numbers;
    for (int n; in >> n;)
        numbers.push_back(n);
    std::cout << numbers.size() << " read, failed: " << in.fail() << '\n';
    try {
        in.exceptions(std::ios::failbit);
        in.clear(std::ios::failbit);
    } catch (const std::ios_base::failure &failure) {
        std::cout << "ios failure caught\n";
    }

    {
        std::ofstream file("streams.txt");
        for (int i = 0; i < 2000; i++)
            file << std::setw(6) << i * i << (i % 10 == 9 ? '\n' : ' ');
    }
    std::ifstream file("streams.txt");
    std::vector<long> squares((std::istream_iterator<long>(file)), std::istream_iterator<long>());
    std::cout << squares.size() << ' ' << std::accumulate(squares.begin(), squares.end(), 0L) << '\n';

    std::map<std::string, std::set<int>> index;
    std::unordered_map<std::string, int> counts;
    std::istringstream text("the cat and the dog and the bird sat on the mat");
    int at = 0;
    for (std::string word; text >> word; at++) {
        index[word].insert(at);
        counts[word]++;
    }
    for (const auto &[word, places] : index) {
        std::cout << word << '*' << counts[word] << ':';
        std::copy(places.begin(), places.end(), std::ostream_iterator<int>(std::cout, " "));
    }
    std::cout << '\n';

    std::mt19937_64 random(12345);
    std::vector<unsigned> values(20000);
    std::generate(values.begin(), values.end(), [&] { return random() % 1000; });
    std::stable_sort(values.begin(), values.end(), std::greater<>());
    std::cout << values.front() << ' ' << values[10000] << ' ' << values.back() << ' '
              << std::distance(values.begin(), std::unique(values.begin(), values.end())) << '\n';

    std::variant<int, std::string, std::vector<int>> choice = std::vector<int>{1, 2, 3};
    std::optional<std::string> maybe = "here";
    std::function<int(int)> twice = [](int x) { return 2 * x; };
    std::shared_ptr<Base> shared = std::make_shared<Diamond>();
    std::weak_ptr<Base> weak = shared;
    std::cout << choice.index() << ' ' << maybe.value_or("gone") << ' ' << twice(21) << ' ' << weak.lock()->name() << '\n';

    std::regex pattern("(\\w+)@(\\w+)\\.org");
    std::string mail = "ann@example.org, bob@site.org";
    for (std::sregex_iterator m(mail.begin(), mail.end(), pattern), end; m != end; ++m)
        std::cout << (*m)[1] << " at " << (*m)[2] << '\n';
    std::cout << std::put_time(std::gmtime(&static_cast<const time_t &>(time_t(86400))), "%Y-%m-%d %A") << '\n';
    return static_cast<int>(squares.size()) + static_cast<int>(numbers.size());
}
