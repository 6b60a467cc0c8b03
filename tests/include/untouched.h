// Code that nobody has touched, for programs that test what a first touch does to them.
//
// Code comes into memory by chunks of 64 KiB. A function of which nothing shares a chunk begins at a multiple of that,
// and jumps over whole chunks before it does anything: what follows it in the program may be touched, its beginning
// is not.
#pragma once

#define UNTOUCHED __attribute__((aligned(65536), noipa))
#define ALONE __asm__ volatile("jmp 1f\n\t.skip 131072, 0xcc\n1:")

// One for everybody: a program that needs more makes them like this.
UNTOUCHED static int untouched(int x) {
    ALONE;
    return x + 1;
}
