//#Object: other.cpp third.cpp
//#Flags: -O0 -I$SRC
//#Compiler: g++ clang++
//#Modes: pie nopie static
//#Stdout: inline functions have one address: yes
//#Stdout: static of an inline function: 1 2 3
//#Stdout: template instances: 10 2.5
//#Stdout: static member of a template: 6
//#Stdout: inline variable: 103
//#Stdout: virtual: other third
// What several translation units define alike exists once.
#include "common.h"
#include <cstdio>

int (*address_in_other())();
int next_in_other(), next_in_third();
void add_in_third();
Interface *make_other(), *make_third();

int main() {
    std::printf("inline functions have one address: %s\n", &next_number == address_in_other() ? "yes" : "no");
    int first = next_number(), second = next_in_other(), third = next_in_third();
    std::printf("static of an inline function: %d %d %d\n", first, second, third);
    std::printf("template instances: %d %.1f\n", twice(5), twice(1.25));
    Counted<int>::count += 1;
    add_in_third();
    std::printf("static member of a template: %d\n", Counted<int>::count);
    std::printf("inline variable: %d\n", inline_variable);
    std::printf("virtual: %s %s\n", make_other()->name(), make_third()->name());
}
