#include <utility>
#include "lib.h"

struct Base {
    virtual ~Base() {}
    virtual int number() = 0;
    virtual const char *name() { return "base"; }
};
template <int N> struct Numbered : Base {
    int number() override { return N; }
    const char *name() override { return "numbered"; }
};
template <int... N> static int add(std::integer_sequence<int, N...>) {
    int result = 0;
    Base *volatile objects[] = {new Numbered<N>...};
    for (Base *object : objects)
        result += object->name()[0] == 'n' ? object->number() : 0;
    return result;
}
int count() { return 300; }
int sum() { return add(std::make_integer_sequence<int, 300>()); }
