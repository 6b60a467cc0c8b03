int shown(void);
int api(void) { return shown(); }
