int gnu(void) { return 2; }
