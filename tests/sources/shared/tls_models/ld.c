static __thread int a = 10, b = 11;
static __thread int zero, zeroes[1000];
int *ld(int *out) {
    out[0] = a++;
    out[1] = b++;
    out[2] = zero++;
    out[3] = zeroes[999]++;
    return out;
}
