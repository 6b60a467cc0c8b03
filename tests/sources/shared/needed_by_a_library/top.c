int wanted(void);
int top(void) { return wanted(); }
