const char *leaf(void);
const char *middle(void) { return leaf(); }
