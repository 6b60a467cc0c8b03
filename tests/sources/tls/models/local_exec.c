extern __thread int le_variable;
int local_exec(void) { return le_variable++; }
