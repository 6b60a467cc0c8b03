//#Shared: libaudit.so = audit.c
//#Link: main.c
//#Flags: -O1
//#Env: LD_AUDIT=$LIB/libaudit.so
//#Stdout: audited: 42
//#StderrHas: audit: objects yes, bindings yes
// An audit library watches how the dynamic linker binds the program.
#include "../../../fixtures/far.h"
#include <stdio.h>

FAR_FUNCTION(far_add, 2)

int main(void) {
    printf("audited: %d\n", far_add(40));
    return 0;
}
