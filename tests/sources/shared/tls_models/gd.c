extern __thread int hidden __attribute__((visibility("hidden"))), hidden_zero __attribute__((visibility("hidden")));
__thread int gd_exported = 1;
int *gd(int *out) {
    out[0] = gd_exported++;
    out[1] = hidden;
    out[2] = hidden_zero;
    return out;
}
