#include "shared.h"
extern "C" DEFINE(opened)
