const char *other_text(void) { return "the same text"; }
double other_constant(double x) { return x * 2.5; }
