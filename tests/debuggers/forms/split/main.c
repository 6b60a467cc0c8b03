//#Compiler: gcc clang
//#Modes: pie
//#Flags: -g -gsplit-dwarf -O0
//#Object: part.c
#include "../dwarf5/program.h"
