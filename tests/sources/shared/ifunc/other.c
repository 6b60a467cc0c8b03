int exported(void);
__attribute__((visibility("hidden"))) int hidden(void);
int other_exported(void) { return exported(); }
int other_hidden(void) { return hidden(); }
