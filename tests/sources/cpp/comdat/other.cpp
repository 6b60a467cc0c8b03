#include "common.h"

struct Other : Interface { const char *name() override { return "other"; } };

int (*address_in_other())() { return &next_number; }
int next_in_other() { return next_number(); }
Interface *make_other() { return new Other; }
static int unused = twice(3) + (inline_variable += 1);
