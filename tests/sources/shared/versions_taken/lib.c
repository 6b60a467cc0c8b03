// Two functions, of which the older one is what V1 means by the name.
#define PAIR(name)                                                                                                   \
    int name(void) { return 2; }                                                                                     \
    int old_##name(void) { return 1; }                                                                               \
    __asm__(".symver old_" #name "," #name "@V1");                                                                   \
    int name##_inside(void) { return name(); }

PAIR(one)
PAIR(two)
PAIR(three)
PAIR(four)
PAIR(five)
