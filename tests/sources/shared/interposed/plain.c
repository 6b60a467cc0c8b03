#define NAME plain
#include "common.h"
