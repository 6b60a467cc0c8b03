int b(void);
int a1(void) { return 1 + b(); }
