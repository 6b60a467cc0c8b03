static int calls;
__attribute__((noinline)) int of_part(int x) {
    calls++;
    return x ^ calls;
}
