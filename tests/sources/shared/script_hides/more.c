extern int state;
const char *helper(void);
int api_more(void) { return state + (helper()[0] == 'l') * 2; }
