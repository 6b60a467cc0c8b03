__asm__(".symver number_1, number@V1");
__asm__(".symver number_2, number@@V2");
__asm__(".symver value_1, value@V1");
__asm__(".symver value_2, value@@V2");
int value_1 = 10, value_2 = 20;
int count;
int number_1(void) { return count++, 1; }
int number_2(void) { return count++, 2; }
