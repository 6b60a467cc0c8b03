__attribute__((symver("behave@V_1"))) const char *behave_v1(void) { return "old"; }
__attribute__((symver("behave@@V_2"))) const char *behave_v2(void) { return "new"; }
int only_new(void) { return 7; }
