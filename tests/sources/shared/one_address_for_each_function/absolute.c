typedef int (*Function)(void);
int function(void);
static Function volatile in_data = function;
Function absolute_code(void) { return function; }
Function absolute_data(void) { return in_data; }
