extern __thread int exported;
int other(void) { return exported++; }
