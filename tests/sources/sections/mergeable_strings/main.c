//#Object: other.c
//#Flags: -O2
//#Modes: pie nopie static
//#Stdout: the same text
//#Stdout: the same text
//#Stdout: suffix
//#Stdout: wide: 3
//#Stdout: constants 1.5 2.5
// Mergeable strings and constants, referred to by section and addend and by symbol. Whether they are
// merged does not show; that each reference finds its own text does.
#include <stdio.h>
#include <wchar.h>

const char *other_text(void);
double other_constant(double);
static const wchar_t *wide = L"abc";

int main(int argc, char **argv) {
    puts("the same text");
    puts(other_text());
    puts("a suffix" + 2);
    printf("wide: %zu\n", wcslen(wide));
    printf("constants %.1f %.1f\n", argc * 1.5, other_constant(argc));
    return 0;
}
