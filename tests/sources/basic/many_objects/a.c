extern int shared_value;

int a(void) { return shared_value - 20; }
