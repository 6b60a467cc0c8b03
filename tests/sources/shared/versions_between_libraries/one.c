const char *base(void);
const char *one(void) { return base(); }
