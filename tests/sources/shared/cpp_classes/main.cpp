//#Shared: libbase.so = base.cpp
//#Shared: libmiddle.so = middle.cpp
//#SharedFlags: libmiddle.so = libbase.so
//#Compiler: g++ clang++
//#Link: main.cpp libmiddle.so libbase.so
//#Flags: -O1
//#Stdout: animal, swims, flies, duck of the program
//#Stdout: through bases: 1 2 3 4
//#Stdout: member pointers: animal flies
//#Stdout: cross cast: yes, down cast: yes
//#Stdout: covariant: duck of the program
//#Stdout: gone: duck flier swimmer animal
// Classes with virtual bases, derived in the program from a library's, which derive from another library's.
#include <cstdio>
#include "classes.h"

struct Duck : Swimmer, Flier {
    const char *name() override { return "duck of the program"; }
    Duck *self() override { return this; }
    int number() override { return 4; }
    ~Duck() override { std::printf("gone: duck "); }
};

int main() {
    Duck *duck = new Duck;
    std::printf("%s, %s, %s, %s\n", duck->Animal::name(), duck->swim(), duck->fly(), duck->name());
    Swimmer swimmer;
    Flier flier;
    Animal animal, *all[] = {&animal, &swimmer, &flier, duck};
    std::printf("through bases: %d %d %d %d\n", all[0]->number(), all[1]->number(), all[2]->number(),
                all[3]->number());
    const char *(Flier::*fly)() = &Flier::fly;
    const char *(Animal::*volatile name)() = &Animal::name;
    std::printf("member pointers: %s %s\n", (animal.*name)(), (duck->*fly)());
    Flier *other = dynamic_cast<Flier *>(static_cast<Swimmer *>(duck));
    std::printf("cross cast: %s, down cast: %s\n", other == static_cast<Flier *>(duck) ? "yes" : "no",
                dynamic_cast<Duck *>(all[3]) == duck ? "yes" : "no");
    std::printf("covariant: %s\n", static_cast<Animal *>(duck)->self()->name());
    quiet = false;
    delete static_cast<Animal *>(duck);
    quiet = true;
}
