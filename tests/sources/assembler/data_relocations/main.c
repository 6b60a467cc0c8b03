//#Object: values.S
//#Modes: nopie static
//#Stdout: 8 bits: 18, 16 bits: 4660, 32 bits: 0x12345678, signed: -2
//#Stdout: 64 bits: 0x123456789abcdef0
//#Stdout: addresses of 32 and 64 bits agree: yes
//#Stdout: distances: 8 bits yes, 16 bits yes, 32 bits yes, 64 bits yes
//#Stdout: pointer with addend: c
//#Stdout: unaligned pointer: right
//#Stdout: size of the object: 6
// Every data relocation that an assembler can write, at aligned and unaligned places.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

extern uint8_t abs8;
extern uint16_t abs16;
extern uint32_t abs32, address32;
extern int32_t abs32s;
extern uint64_t abs64, address64, size64;
extern int8_t pc8;
extern int16_t pc16;
extern int32_t pc32;
extern int64_t pc64;
extern char unaligned[], text[];
extern char *pointer_with_addend;

int main(void) {
    printf("8 bits: %u, 16 bits: %u, 32 bits: %#x, signed: %d\n", abs8, abs16, abs32, abs32s);
    printf("64 bits: %#lx\n", abs64);
    printf("addresses of 32 and 64 bits agree: %s\n",
           address32 == address64 && address64 == (uintptr_t)text ? "yes" : "no");
    printf("distances: 8 bits %s, 16 bits %s, 32 bits %s, 64 bits %s\n",
           (char *)&pc8 + pc8 == text ? "yes" : "no", (char *)&pc16 + pc16 == text ? "yes" : "no",
           (char *)&pc32 + pc32 == text ? "yes" : "no", (char *)&pc64 + pc64 == text ? "yes" : "no");
    printf("pointer with addend: %c\n", *pointer_with_addend);
    char *pointer;
    memcpy(&pointer, unaligned + 3, sizeof pointer);
    printf("unaligned pointer: %s\n", pointer == text + 1 ? "right" : "wrong");
    printf("size of the object: %lu\n", size64);
    return 0;
}
