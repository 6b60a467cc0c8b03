typedef int (*Function)(void);
int function(void) { return 5; }
static int own(void) { return 6; }
Function volatile table[] = {function, own};
Function a_code(void) { return function; }
Function a_data(void) { return table[0]; }
int static_address_is_one(void) { return table[1] == own && table[1]() == 6; }
