#include "common.h"
int two() { return total(); }
