__thread int ie_exported = 20;
static __thread int ie_zero;
int *ie(int *out) {
    int *volatile pointer = &ie_exported;
    out[0] = ie_exported;
    out[1] = ie_zero++;
    out[2] = (*pointer)++;
    return out;
}
