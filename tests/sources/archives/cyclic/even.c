int odd(int);
int base(void);
int even(int n) { return n == 0 ? base() : odd(n - 1); }
