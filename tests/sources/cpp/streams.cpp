//#Stdin: 3 4.5 word\nline with spaces\n
//#Stdout: 3 4.5 word
//#Stdout: [line with spaces]
//#Stdout:    right|left   |**centre
//#Stdout: bad input is noticed
//#Stdout: true 1e+10
#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

int main() {
    int i;
    double d;
    std::string word, line;
    std::cin >> i >> d >> word >> std::ws;
    std::getline(std::cin, line);
    std::cout << i << ' ' << d << ' ' << word << "\n[" << line << "]\n";
    std::cout << std::setw(8) << std::right << "right" << '|' << std::setw(7) << std::left << "left" << '|'
              << std::setfill('*') << std::setw(8) << std::right << "centre" << '\n';
    std::istringstream bad("x");
    if (!(bad >> i))
        std::cout << "bad input is noticed\n";
    std::ostringstream text;
    text << std::boolalpha << true << ' ' << 1e10;
    std::cout << text.str() << '\n';
    std::ifstream none("/there/is/no/such/file");
    return none.is_open();
}
