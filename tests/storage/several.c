// One of several objects that are of the same VERSION: in code in several chunks, in constants, in data and by way of
// pointers. NAME tells the objects apart; GROWN makes all of it larger than its place.
#define PASTE(a, b) a##_##b
#define NAMED_(a, b) PASTE(a, b)
#define NAMED(b) NAMED_(NAME, b)

#ifdef GROWN
#define SIZE 3000
#else
#define SIZE 1200
#endif

static const int constants[SIZE] = {VERSION, [SIZE - 1] = VERSION};
static int data[SIZE] = {VERSION, [SIZE - 1] = VERSION};
static int *pointers[SIZE] = {data, [SIZE - 1] = data + SIZE - 1};

#define F(n) \
    __attribute__((noinline)) static int f##n(void) { \
        __asm__ volatile("jmp 1f\n.skip %c0, 0x90\n1:" : : "i"(SIZE * 16)); \
        return VERSION; \
    }
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7)
static int (*const functions[])(void) = {f0, f1, f2, f3, f4, f5, f6, f7};

// Calls `see` with each value that is to be the version.
void NAMED(values)(void (*see)(int)) {
    see(constants[0]);
    see(constants[SIZE - 1]);
    see(data[0]);
    see(data[SIZE - 1]);
    see(*pointers[0]);
    see(*pointers[SIZE - 1]);
    for (unsigned n = 0; n < sizeof functions / sizeof *functions; n++)
        see(functions[n]());
}
