int shared_value = 21;
extern int *pointer_to_shared;

int b(void) { return *pointer_to_shared + 1; }
