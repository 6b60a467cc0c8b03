#define V(kind) __attribute__((visibility(#kind)))
extern int default_f(void), protected_f(void), default_d, protected_d;
V(hidden) extern int hidden_f(void), hidden_d, hidden_by_other(void);
V(internal) extern int internal_f(void), internal_d;
int sum_functions(void) { return default_f() + protected_f() + hidden_f() + internal_f() + hidden_by_other(); }
int sum_data(void) { return default_d + protected_d + hidden_d + internal_d; }
