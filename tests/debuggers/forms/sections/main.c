//#Compiler: gcc clang
//#Modes: pie
//#Flags: -g -ffunction-sections -fdata-sections -O0
//#Object: part.c
#include "../dwarf5/program.h"
