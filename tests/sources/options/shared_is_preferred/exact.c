const char *exact(void) { return "exact"; }
