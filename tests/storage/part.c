// Code in many chunks, constants, data with pointers, and zeroes; `part` touches some of each.
#define F(n) \
    __attribute__((noinline)) int f##n(int x) { \
        __asm__ volatile("jmp 1f\n.skip 12000, 0x90\n1:"); \
        return x + n; \
    }
#define TEN(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
TEN(1) TEN(2) TEN(3)
static const unsigned table[3000] = {[0] = 1, [1500] = 2, [2999] = 3};
static const unsigned *pointers[600] = {[0] = table, [300] = table + 1500, [599] = table + 2999};
static int zeroes[3000];

int part(void) { return f10(0) + f20(0) + f39(0) + *pointers[0] + *pointers[300] + *pointers[599] + zeroes[2999]; }
