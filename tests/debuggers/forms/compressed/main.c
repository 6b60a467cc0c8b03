//#Compiler: gcc clang
//#Modes: pie
//#Flags: -g -gz -O0
//#Object: part.c
#include "../dwarf5/program.h"
