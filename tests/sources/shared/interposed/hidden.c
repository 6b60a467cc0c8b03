#define NAME hidden
#define VISIBILITY "hidden"
#include "common.h"
