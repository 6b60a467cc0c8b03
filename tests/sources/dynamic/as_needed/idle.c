int idle(void) { return 1; }
