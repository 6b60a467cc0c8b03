const char *overridden(void) { return "strong"; }
int data = 2;
