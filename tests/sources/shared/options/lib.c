int common __attribute__((common));
int function(void) { return 1; }
int wrapped(void);
int __real_wrapped(void);
int __wrap_wrapped(void) { return 12; }
int call_wrapped(void) { return wrapped(); }
int kept(void) { return 3; }
static __attribute__((used)) int implementation(void) { return 5; }
int strong_alias(void) __attribute__((alias("implementation")));
int weak_alias(void) __attribute__((weak, alias("implementation")));
