const char *helper(void) { return "library's helper"; }
const char *other(void) { return "library's other"; }
int setting = 1;

const char *library_calls(void) { return helper(); }
int library_reads(void) { return setting; }
