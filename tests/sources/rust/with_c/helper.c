int rust_part(int);
int c_variable = 9;
int c_add(int a, int b) { return a + b; }
int c_call(int (*callback)(int), int x) { return callback(rust_part(x)); }
