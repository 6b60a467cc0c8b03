#define NAME symbolic
#include "common.h"
