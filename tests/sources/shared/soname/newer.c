const char *age(void) { return "newer"; }
