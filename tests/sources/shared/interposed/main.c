//#Shared: libplain.so = plain.c
//#Shared: libsymbolic.so = symbolic.c
//#SharedFlags: libsymbolic.so = -Wl,-Bsymbolic
//#Shared: libfunctions.so = functions.c
//#SharedFlags: libfunctions.so = -Wl,-Bsymbolic-functions
//#Shared: libprotected.so = protected.c
//#Shared: libhidden.so = hidden.c
//#Shared: liblocal.so = local.c
//#SharedFlags: liblocal.so = -Wl,--version-script=$SRC/local.map
//#Shared: liblisted.so = listed.c
//#SharedFlags: liblisted.so = -Wl,--dynamic-list=$SRC/listed.list
//#Flags: -O1
//#LinkFlags: -rdynamic
//#Stdout: plain: function program variable program pointer program
//#Stdout: symbolic: function library variable library pointer library
//#Stdout: functions: function library variable program pointer library
//#Stdout: protected: function library variable library pointer library
//#Stdout: hidden: function library variable library pointer library
//#Stdout: local: function library variable library pointer library
//#Stdout: listed: function program variable library pointer program
// Program and library define the same names. Whose the library uses depends on how it was linked.
#include <stdio.h>

const char *function(void) { return "program"; }
const char *variable = "program";

#define TEST(name)                                                                                         \
    const char *name##_function(void), *name##_variable(void), *name##_pointer(void);                      \
    printf(#name ": function %s variable %s pointer %s\n", name##_function(), name##_variable(),           \
           name##_pointer())

int main(void) {
    TEST(plain);
    TEST(symbolic);
    TEST(functions);
    TEST(protected);
    TEST(hidden);
    TEST(local);
    TEST(listed);
    return 0;
}
