__asm__(".symver base_a, base@A");
__asm__(".symver base_b, base@@B");
const char *base_a(void) { return "old"; }
const char *base_b(void) { return "new"; }
