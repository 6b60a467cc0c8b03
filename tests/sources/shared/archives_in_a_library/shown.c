int quiet(void);
int shown(void) { return quiet() + 1; }
