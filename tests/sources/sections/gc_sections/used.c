int also_nowhere(void);
int used(int x) { return x * 2; }
int unused(void) { return also_nowhere(); }
