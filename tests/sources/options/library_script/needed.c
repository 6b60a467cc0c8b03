int needed(void) { return 2; }
