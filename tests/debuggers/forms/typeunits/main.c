//#Compiler: gcc clang
//#Modes: pie
//#Flags: -g -fdebug-types-section -O0
//#Object: part.c
#include "../dwarf5/program.h"
