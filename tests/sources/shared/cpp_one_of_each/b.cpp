#include "shared.h"
DEFINE(b)
