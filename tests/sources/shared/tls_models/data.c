__thread int exported = 40;
__attribute__((visibility("hidden"))) __thread int hidden = 2, hidden_zero;
__thread _Alignas(64) char block[64];
void *aligned(void) { return block; }
