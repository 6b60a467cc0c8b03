#include "common.h"
int three() { return total(); }
