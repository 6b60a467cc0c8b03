__attribute__((visibility("hidden"))) int hidden_function(void) { return 20; }
__attribute__((visibility("protected"))) int protected_function(void) { return 30; }
int default_function(void) { return 40; }

int library_hidden(void) { return hidden_function(); }
int library_protected(void) { return protected_function(); }
int library_default(void) { return default_function(); }
