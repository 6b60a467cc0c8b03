int a2(void);
int b(void) { return 2 + a2(); }
