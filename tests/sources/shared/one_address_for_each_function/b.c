typedef int (*Function)(void);
int function(void);
static Function volatile in_data = function;
Function b_code(void) { return function; }
Function b_data(void) { return in_data; }
