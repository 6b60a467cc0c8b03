int both(void) { return 3; }
