int nowhere(int), twice(int);
int works(int x) { return x < 0 ? nowhere(x) : twice(x); }
int twice(int x) { return 2 * x; }
