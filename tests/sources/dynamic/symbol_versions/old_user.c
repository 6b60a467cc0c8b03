__asm__(".symver answer_1, answer@LIB_1.0");
const char *answer_1(void);
const char *old_answer(void) { return answer_1(); }
