int renamed(void);
int of_library(void) { return renamed(); }
