#include <stdio.h>

#define WEAK __attribute__((weak))
WEAK extern int absent_function(void), absent_data, given_function(void), given_data;
static int (*volatile absent_pointer)(void) = absent_function, (*volatile given_pointer)(void) = given_function;
static const void *const table[] = {&absent_data, &given_data};
static const void *const volatile *volatile entries = table;

static const char *is(int yes) { return yes ? "yes" : "no"; }

void absent(void) {
    printf("absent: function %s, data %s, pointer %s, table %s\n", is(absent_function != NULL),
           is(&absent_data != NULL), is(absent_pointer != NULL), is(entries[0] != NULL));
}

void given(void) {
    printf("given: function %d, data %d, pointer %s, table %s\n", given_function ? given_function() : 0,
           &given_data ? given_data : 0, is(given_pointer == given_function), is(entries[1] == &given_data));
}

WEAK const char *replaced(void) { return "library's"; }
WEAK const char *kept(void) { return "library's"; }
const char *call_replaced(void) { return replaced(); }
const char *call_kept(void) { return kept(); }
