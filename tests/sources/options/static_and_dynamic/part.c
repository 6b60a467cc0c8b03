const char *part(void) { return "from the archive"; }
