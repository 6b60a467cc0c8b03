int real(void) { return 1; }
