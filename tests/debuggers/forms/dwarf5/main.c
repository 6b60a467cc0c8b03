//#Compiler: gcc clang
//#Modes: pie
//#Flags: -gdwarf-5 -O0
//#Object: part.c
#include "program.h"
