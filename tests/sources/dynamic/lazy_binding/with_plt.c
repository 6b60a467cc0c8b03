double f(double);
double g(double x) { return x; }
double through_plt(double x) { return f(g(x)) + 1; }
