extern __thread int gd_variable, gd_second;
int global_dynamic(void) { return gd_variable++; }
int global_dynamic_two(void) { return gd_second++; }
