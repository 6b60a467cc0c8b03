__attribute__((noipa)) const char *name(void) { return "plugin's"; }
const char *call(void) { return name(); }
