static __thread int one = 5, two = 7;
int local_dynamic(void) { return one++ + two++; }
