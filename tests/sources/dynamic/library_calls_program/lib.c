int provided(void);
extern int provided_variable;
int library(void) { return provided() + provided_variable; }
