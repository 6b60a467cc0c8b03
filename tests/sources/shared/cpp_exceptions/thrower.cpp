#include <cstdio>
#include "types.h"

namespace {
struct Local : std::exception {};
}
Guard::~Guard() { std::printf("guard "); }
Derived::~Derived() {}
void throw_it(int number) { throw Error(number); }
void throw_local() { throw Local(); }
Base *make() { return new Derived; }
