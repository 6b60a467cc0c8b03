#include "common.h"

struct Third : Interface { const char *name() override { return "third"; } };

int next_in_third() { return next_number(); }
void add_in_third() { Counted<int>::count += 5; }
Interface *make_third() { return new Third; }
static double unused = twice(1.5) + (inline_variable += 2);
