int sysv(void) { return 1; }
