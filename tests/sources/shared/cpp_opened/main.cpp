//#Shared: libplugin.so = plugin.cpp
//#Link: main.cpp
//#Args: $LIB/libplugin.so
//#LinkFlags: -rdynamic
//#Stdout: plugin: area 12, caught inside 1, thrown to us: from the plugin
//#Stdout: static objects are gone
//#Stdout: plugin: area 12, caught inside 1, thrown to us: from the plugin
//#Stdout: static objects are gone
// A plugin in C++ is opened, throws, and is closed again, twice.
#include <cstdio>
#include <dlfcn.h>
#include <stdexcept>
#include "plugin.h"

Shape::~Shape() {}

int main(int argc, char **argv) {
    for (int i = 0; i < 2; i++) {
        void *library = dlopen(argv[1], RTLD_NOW);
        if (!library)
            return std::puts(dlerror()), 1;
        auto make = reinterpret_cast<Shape *(*)()>(dlsym(library, "make"));
        Shape *shape = make();
        std::printf("plugin: area %d, caught inside %d, ", shape->area(), shape->catches());
        try {
            shape->fail();
        } catch (const std::runtime_error &error) {
            std::printf("thrown to us: %s\n", error.what());
        }
        delete shape;
        dlclose(library);
    }
}
