//#Modes: pie nopie
// The loader leaves no trace in the process: neither flags, nor name, nor descriptors. What there is
// depends on who runs the tests, so only the comparison with the twin says what is right.
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int main(void) {
    int death_signal = -1, subreaper = -1;
    char name[16];
    prctl(PR_GET_PDEATHSIG, &death_signal);
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    prctl(PR_GET_NAME, name);
    printf("dumpable %d, parent's death signal %d, subreaper %d, no new privileges %d\n", prctl(PR_GET_DUMPABLE),
           death_signal, subreaper, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    printf("name: %s\n", name);
    // Descriptors that a program could meet by counting from below: ours, if any, are out of its way.
    int low = 0;
    DIR *descriptors = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(descriptors));) {
        int number = atoi(entry->d_name);
        low += entry->d_name[0] != '.' && number < 100 && number != dirfd(descriptors);
    }
    printf("nice %d, open descriptors %d\n", getpriority(PRIO_PROCESS, 0), low);
    return 0;
}
