//#Modes: pie
//#Flags: -g
//#Object: part.c
#include <stdio.h>
#include "script.h"
SCRIPT("MS", "one");
int of_part(int);
const char greeting[] = "hello";
int main(void) {
    puts(greeting);
    return of_part(3) - 9;
}
