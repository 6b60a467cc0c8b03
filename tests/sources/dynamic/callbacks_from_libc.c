//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: 1 2 5 7 9
//#Stdout: found 7
//#Stdout: the cookie writes: hello
//#Stdout: hash callbacks: 3
// libc calls functions of the program: comparison, stream and search callbacks.
#define _GNU_SOURCE
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static int compare_strings(const void *a, const void *b) { return strcmp(a, b); }
static int visited;
static void visit(const void *node, VISIT which, int depth) {
    if (which == leaf || which == postorder)
        visited++;
}

static ssize_t write_cookie(void *cookie, const char *text, size_t length) {
    printf("the cookie writes: %.*s", (int)length, text);
    return length;
}

int main(void) {
    int numbers[] = {9, 2, 7, 1, 5};
    qsort(numbers, 5, sizeof *numbers, compare);
    for (int i = 0; i < 5; i++)
        printf("%d%c", numbers[i], i < 4 ? ' ' : '\n');
    int key = 7;
    printf("found %d\n", *(int *)bsearch(&key, numbers, 5, sizeof *numbers, compare));

    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_cookie});
    fprintf(stream, "hello\n");
    fclose(stream);

    void *tree = NULL;
    tsearch("one", &tree, compare_strings);
    tsearch("two", &tree, compare_strings);
    tsearch("three", &tree, compare_strings);
    twalk(tree, visit);
    printf("hash callbacks: %d\n", visited);
    return 0;
}
