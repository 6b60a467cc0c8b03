int quiet(void) { return 2; }
