//#MayRefuse: a process with several threads cannot leave its user namespace
//#Modes: pie nopie
//#Stdout: unshare: done
// A single-threaded program enters a user namespace of its own, which the kernel allows to single-threaded
// programs only: a background thread of ours would be in its way.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>

int main(void) {
    // Where namespaces are forbidden altogether, that is not what is tested.
    if (unshare(CLONE_NEWUSER) && errno != EPERM && errno != ENOSPC && errno != ENOSYS) {
        perror("unshare");
        return 1;
    }
    puts("unshare: done");
    return 0;
}
