int value;
int with_value(void) { return value; }
