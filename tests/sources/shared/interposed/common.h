#define JOIN(a, b) a##b
#define NAMED(a, b) JOIN(a, b)
#ifndef VISIBILITY
#define VISIBILITY "default"
#endif
__attribute__((noipa, visibility(VISIBILITY))) const char *function(void) { return "library"; }
__attribute__((visibility(VISIBILITY))) const char *variable = "library";
static const char *(*volatile pointer)(void) = function;
const char *NAMED(NAME, _function)(void) { return function(); }
const char *NAMED(NAME, _variable)(void) { return variable; }
const char *NAMED(NAME, _pointer)(void) { return pointer(); }
