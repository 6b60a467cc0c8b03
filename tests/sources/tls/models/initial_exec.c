extern __thread int ie_variable;
int initial_exec(void) { return ie_variable++; }
