//#Stdout: open: 0 1 2
// A program that looks through all the descriptors that it may have finds its own only.
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (argc == 1) {
        for (int fd = 3; fd < 1100; fd++)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        limit.rlim_cur = 200;
        setrlimit(RLIMIT_NOFILE, &limit);
        execv("/proc/self/exe", (char *[]){ argv[0], "again", NULL });
        return 1;
    }
    printf("open:");
    for (int fd = 0; fd < (int)limit.rlim_cur; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf(" %d", fd);
    puts("");
    return 0;
}
