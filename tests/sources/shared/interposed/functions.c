#define NAME functions
#include "common.h"
