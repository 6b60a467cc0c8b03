int thin(void) { return 2; }
