//#Compiler: gcc clang
//#Modes: pie
//#Flags: -gdwarf-4 -O0
//#Object: part.c
#include "../dwarf5/program.h"
