#include "bounds.h"
ENTRY(6)
SHOW(show_own, "program:")
