int state = 1;
int api_data = 2;
const char *helper(void) { return "library's helper"; }
const char *api_call(void) { return helper(); }
int api_state(void) { return state; }
int exact_1(void) { return 4; }
int exact_2(void) { return 5; }
