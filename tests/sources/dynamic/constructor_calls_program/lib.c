int hook(void);
void anchor(void) {}
__attribute__((constructor)) static void begin(void) { hook(); }
