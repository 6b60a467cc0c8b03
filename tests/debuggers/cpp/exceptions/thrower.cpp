#include <stdexcept>
struct Guard {
    int *where;
    ~Guard() { *where += 1; }
};
static int cleaned;
static void deeper(int depth) {
    Guard guard{&cleaned};
    if (depth % 2)
        throw depth;
    throw std::logic_error("an even number");
}
void thrower(int depth) {
    Guard guard{&cleaned};
    deeper(depth);
}
