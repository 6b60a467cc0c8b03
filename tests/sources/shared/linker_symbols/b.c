#include "bounds.h"
ENTRY(3)
ENTRY(4)
ENTRY(5)
SHOW(show_b, "b:")
