__attribute__((weak)) const char *overridden(void) { return "weak"; }
__attribute__((weak)) const char *only_weak(void) { return "weak"; }
