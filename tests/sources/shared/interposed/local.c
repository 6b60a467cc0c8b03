#define NAME local
#include "common.h"
