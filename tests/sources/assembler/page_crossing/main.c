//#Object: table.S
//#Modes: pie nopie static static-pie
//#Stdout: 3000 pointers and 3000 distances are right
// Relocated words that lie across page boundaries, at every offset, in writable data and in text. Two
// renderings, one of each page, must meet in one word.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Each record is one byte, a pointer of 8 and a distance of 4: 13 bytes, prime to the page size.
extern const char records[], in_text[];
extern char target[];

int main(void) {
    int pointers = 0, distances = 0;
    for (int i = 0; i < 3000; i++) {
        char *pointer;
        int32_t distance;
        memcpy(&pointer, records + 13 * i + 1, 8);
        pointers += pointer == target + i;
        memcpy(&distance, in_text + 13 * i + 9, 4);
        distances += in_text + 13 * i + 9 + distance == target + 2 * i;
    }
    printf("%d pointers and %d distances are right\n", pointers, distances);
    return 0;
}
