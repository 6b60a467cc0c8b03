#include <cstdio>
#include "classes.h"
bool quiet = true;
Animal::~Animal() { quiet || std::printf("animal\n"); }
const char *Animal::name() { return "animal"; }
Animal *Animal::self() { return this; }
int Animal::number() { return 1; }
