#include <stdlib.h>

int host_add(int);
extern int host_log(const char *, int);
static int (*callback)(int);

static int chosen(int x) { return x + 5; }
static int (*choose(void))(int) { return chosen; }
int indirect(int) __attribute__((ifunc("choose")));

__attribute__((constructor)) static void constructed(void) { host_log("constructor", host_add(10)); }
__attribute__((destructor)) static void destructed(void) { host_log("destructor", host_add(20)); }
static void at_exit(void) { host_log("atexit", host_add(30)); }
int plugin_run(int (*given)(int)) {
    callback = given;
    atexit(at_exit);
    return callback(host_add(indirect(0)));
}
