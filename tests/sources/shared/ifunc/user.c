int exported(void);
int user(void) { return exported(); }
int (*user_address(void))(void) { return exported; }
