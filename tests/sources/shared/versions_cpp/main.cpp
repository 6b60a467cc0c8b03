//#Shared: libshapes.so = lib.cpp
//#SharedFlags: libshapes.so = -Wl,--version-script=$SRC/lib.map
//#Stdout: int 1, text 2, plain 3, shape 4
//#Stdout: _ZN2ns1fEi: yes
//#Stdout: _ZN2ns1fEl: no
//#Stdout: _ZN2ns1gEPKc: yes
//#Stdout: _ZN2ns6hiddenEv: no
//#Stdout: _ZTIN2ns5ShapeE: yes
//#Stdout: plain: yes
//#Stdout: other: no
// A version script that speaks of C++ names as they are written.
#include <cstdio>
#include <dlfcn.h>
#include "lib.h"

int main() {
    ns::Shape shape;
    std::printf("int %d, text %d, plain %d, shape %d\n", ns::f(1), ns::g("a"), plain(), shape.sides());
    void *library = dlopen("libshapes.so", RTLD_NOW | RTLD_NOLOAD);
    const char *names[] = {"_ZN2ns1fEi",      "_ZN2ns1fEl", "_ZN2ns1gEPKc", "_ZN2ns6hiddenEv",
                           "_ZTIN2ns5ShapeE", "plain",      "other"};
    for (const char *name : names)
        std::printf("%s: %s\n", name, dlsym(library, name) ? "yes" : "no");
}
