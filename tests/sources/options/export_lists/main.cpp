//#LinkFlags: -Wl,--export-dynamic-symbol-list=$SRC/list.txt -Wl,--dynamic-list-data
//#LinkFlags: -Wl,--dynamic-list-cpp-new -Wl,--dynamic-list-cpp-typeinfo
//#Stdout: listed_one: found
//#Stdout: data: found
//#Stdout: _Znwm: found
//#Stdout: _ZTI4Type: found
//#Stdout: unlisted: not found
// Lists that say what the dynamic linker may find.
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <initializer_list>
#include <new>

extern "C" {
int listed_one() { return 1; }
int unlisted() { return 2; }
int data = 3;
}

struct Type {
    virtual int key();
};
int Type::key() { return 4; }

void *operator new(std::size_t size) { return std::malloc(size); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

int main() {
    Type *object = new Type;
    int sum = object->key() + listed_one() + unlisted() + data;
    delete object;
    for (const char *name : {"listed_one", "data", "_Znwm", "_ZTI4Type", "unlisted"})
        std::printf("%s: %s\n", name, dlsym(RTLD_DEFAULT, name) ? "found" : "not found");
    return sum == 10 ? 0 : 1;
}
