int idle(void) { return 3; }
