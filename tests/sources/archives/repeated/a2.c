int a2(void) { return 3; }
