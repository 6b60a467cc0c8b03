extern __thread int program_variable;
int library_reads(void) { return program_variable; }
