__asm__(".symver answer_v1, answer@LIB_1.0");
__asm__(".symver answer_v2, answer@@LIB_2.0");
const char *answer_v1(void) { return "version 1"; }
const char *answer_v2(void) { return "version 2"; }
