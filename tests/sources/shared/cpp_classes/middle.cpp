#include <cstdio>
#include "classes.h"
Swimmer::~Swimmer() { quiet || std::printf("swimmer "); }
const char *Swimmer::swim() { return "swims"; }
Swimmer *Swimmer::self() { return this; }
int Swimmer::number() { return 2; }
Flier::~Flier() { quiet || std::printf("flier "); }
const char *Flier::fly() { return "flies"; }
int Flier::number() { return weight; }
