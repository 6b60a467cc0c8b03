__asm__(".symver base_old, base@A");
const char *base_old(void);
const char *two(void) { return base_old(); }
