int needed(void);
int used(void) { return needed(); }
