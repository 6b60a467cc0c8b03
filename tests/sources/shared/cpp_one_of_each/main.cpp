//#Shared: liba.so = a.cpp
//#Shared: libb.so = b.cpp
//#Shared: libopened.so = opened.cpp
//#Link: main.cpp liba.so libb.so
//#Compiler: g++ clang++
//#Args: $LIB/libopened.so
//#Stdout: counter 1 2 3 4
//#Stdout: static local made once: yes
//#Stdout: template member 5 6 7 8
//#Stdout: inline function has one address: yes
//#Stdout: vtable is one: yes
// Inline variables, static variables of inline functions and of templates exist once in a process, also for
// libraries that are opened later.
#include <cstdio>
#include <dlfcn.h>
#include "shared.h"

int main(int argc, char **argv) {
    void *library = dlopen(argv[1], RTLD_NOW);
    auto opened = reinterpret_cast<View *(*)()>(dlsym(library, "opened"));
    auto view = [] { return View{++counter, &once(), ++Box<int>::member, address(), new Thing}; };
    View views[] = {view(), *a(), *b(), *opened()};
    std::printf("counter %d %d %d %d\n", views[0].counter, views[1].counter, views[2].counter, views[3].counter);
    bool one = true, inlined = true, table = true;
    for (const View &other : views) {
        one &= other.once == views[0].once;
        inlined &= other.function == views[0].function;
        table &= *reinterpret_cast<void **>(other.thing) == *reinterpret_cast<void **>(views[0].thing);
    }
    std::printf("static local made once: %s\n", one && made == 1 ? "yes" : "no");
    std::printf("template member %d %d %d %d\n", views[0].member, views[1].member, views[2].member,
                views[3].member);
    std::printf("inline function has one address: %s\n", inlined ? "yes" : "no");
    std::printf("vtable is one: %s\n", table ? "yes" : "no");
}
