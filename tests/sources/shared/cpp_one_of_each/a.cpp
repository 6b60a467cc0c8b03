#include "shared.h"
DEFINE(a)
