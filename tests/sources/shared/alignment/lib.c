#include <stdint.h>

char zeroes[100] __attribute__((aligned(1 << 20)));
char data[100] __attribute__((aligned(1 << 18))) = { 1 };
const char constants[10] __attribute__((aligned(1 << 17))) = { 2 };
__thread char own[64] __attribute__((aligned(256))) = { 3 };
__attribute__((aligned(1 << 16))) int function(void) { return 4; }

int is_aligned(void) {
    uintptr_t places[] = { (uintptr_t)zeroes % (1 << 20), (uintptr_t)data % (1 << 18), (uintptr_t)constants % (1 << 17),
                           (uintptr_t)own % 256, (uintptr_t)function % (1 << 16) };
    for (int i = 0; i < 5; i++)
        if (places[i])
            return 0;
    return zeroes[99] == 0 && data[0] == 1 && constants[0] == 2 && own[0] == 3 && function() == 4;
}
