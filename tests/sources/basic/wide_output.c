//#Modes: pie nopie static
//#Stdout: 5 héé 1,5
//#Stdout: 20000 lines
// Formatting, wide characters, and more output than fits into one buffer.
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

int main(void) {
    wchar_t wide[20];
    setlocale(LC_ALL, "C.UTF-8");
    swprintf(wide, 20, L"%d h\u00e9\u00e9", 5);
    printf("%ls 1,5\n", wide);
    FILE *file = tmpfile();
    for (int i = 0; i < 20000; i++)
        fprintf(file, "line %d\n", i);
    rewind(file);
    int lines = 0;
    char line[100];
    while (fgets(line, sizeof line, file))
        lines++;
    printf("%d lines\n", lines);
    return 0;
}
