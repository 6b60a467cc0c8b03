const char *which(void) { return "second library"; }
