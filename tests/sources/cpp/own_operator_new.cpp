//#Modes: pie nopie
//#Stdout: library strings come from our operator new: yes
//#Stdout: all was given back: yes
// The program replaces operator new, and libstdc++ uses the replacement.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

static int allocated, freed;
void *operator new(std::size_t size) {
    allocated++;
    return std::malloc(size);
}
void operator delete(void *pointer) noexcept {
    freed += pointer != nullptr;
    std::free(pointer);
}
void operator delete(void *pointer, std::size_t) noexcept { operator delete(pointer); }

int main() {
    int before = allocated;
    {
        std::string text(1000, 'x');
        text += "y";
    }
    std::printf("library strings come from our operator new: %s\n", allocated > before ? "yes" : "no");
    std::printf("all was given back: %s\n", allocated == freed ? "yes" : "no");
}
