//#Flags: -O1
//#Modes: pie nopie
//#Env: TZ=EST5
//#Stdout: environ: set
//#Stdout: timezone: 18000 EST
//#Stdout: name: app
// Each of these variables of libc has another name in libc, which libc itself writes through. The
// program's copy is the same variable only if all the names mean it.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    printf("environ: %s\n", environ ? "set" : "not set");
    tzset();
    printf("timezone: %ld %s\n", timezone, tzname[0]);
    printf("name: %s\n", program_invocation_short_name);
    return 0;
}
