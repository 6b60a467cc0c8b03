const char *age(void) { return "new"; }
