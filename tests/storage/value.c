// What changes: VERSION is in code, in constants and in data; GROWN makes all of them larger than their places.
#ifdef GROWN
int more[GROWN] = {1};
const int more_constants[GROWN] = {1};
__attribute__((noinline)) int more_code(int x) {
    __asm__ volatile("jmp 1f\n.skip 20000, 0x90\n1:");
    return x;
}
#else
static int more_code(int x) { return x; }
#endif
static int moved = VERSION;
const int constant[700] = {VERSION};
int *data[700] = {&moved};
int code(void) { return more_code(VERSION); }
int filler(void) { return 7; }
#ifdef MISSING
int missing(void);
int (*call)(void) = missing;
#endif
