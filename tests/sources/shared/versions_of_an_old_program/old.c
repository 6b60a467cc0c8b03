const char *behave(void) { return "old"; }
