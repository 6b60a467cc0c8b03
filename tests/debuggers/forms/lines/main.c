//#Compiler: gcc clang
//#Modes: pie
//#Flags: -g1 -O0
//#Object: part.c
#include "../dwarf5/program.h"
