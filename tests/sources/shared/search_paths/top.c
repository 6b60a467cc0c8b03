const char *middle(void);
const char *top(void) { return middle(); }
