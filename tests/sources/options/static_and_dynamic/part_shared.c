const char *part(void) { return "from the shared library"; }
