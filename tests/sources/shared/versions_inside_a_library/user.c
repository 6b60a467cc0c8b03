__asm__(".symver old, number@V1");
int number(void), old(void);
int number_inside(void) { return number(); }
int old_number_inside(void) { return old(); }
