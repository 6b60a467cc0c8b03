long factorial(long);
long b_part(long n) { return n * factorial(n - 1); }
