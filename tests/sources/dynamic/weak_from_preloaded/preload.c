int optional(int x) { return x + 2; }
int optional_value = 5;
