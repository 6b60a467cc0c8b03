#define NAME protected
#define VISIBILITY "protected"
#include "common.h"
