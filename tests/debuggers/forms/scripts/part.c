#include "script.h"
SCRIPT("MS", "two");
static const int factors[] = {1, 2, 3};
int of_part(int x) { return factors[x - 1] * x; }
