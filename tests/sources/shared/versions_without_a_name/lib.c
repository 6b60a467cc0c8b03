// `name@` is a definition that has no version and is hidden; `name@@` has none and is the default.
int first(void) { return 1; }
int second(void) { return 2; }
int third(void) { return 3; }
__asm__(".symver first,hidden@");
__asm__(".symver second,plain@@");
__asm__(".symver third,named@@V1");
