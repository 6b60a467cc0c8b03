#define V(kind) __attribute__((visibility(#kind)))
int default_f(void) { return 1; }
V(protected) int protected_f(void) { return 10; }
V(hidden) int hidden_f(void) { return 100; }
V(internal) int internal_f(void) { return 1000; }
int default_d = 2;
V(protected) int protected_d = 20;
V(hidden) int hidden_d = 200;
V(internal) int internal_d = 2000;
int hidden_by_other(void) { return 0; }
void *protected_address(void) { return (void *)protected_f; }
