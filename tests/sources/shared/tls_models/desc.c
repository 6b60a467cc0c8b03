__thread int desc_exported = 30;
static __thread int desc_own = 31, desc_zero;
int *desc(int *out) {
    int *volatile pointer = &desc_exported;
    out[0] = desc_exported;
    out[1] = desc_own++;
    out[2] = desc_zero++;
    out[3] = (*pointer)++;
    return out;
}
