#define NAME listed
#include "common.h"
