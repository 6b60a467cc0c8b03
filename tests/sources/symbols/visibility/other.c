__attribute__((visibility("hidden"))) int hidden_function(void) { return 10; }

int call_hidden(void) { return hidden_function(); }
