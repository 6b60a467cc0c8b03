//#Modes: pie nopie
//#Stdout: 5 descriptors are free, the first is 3
// A program that may open few files has all of them for itself.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc == 1) {
        for (int fd = 3; fd < 256; fd++)
            close(fd);
        struct rlimit limit;
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 8;
        setrlimit(RLIMIT_NOFILE, &limit);
        // Whoever asks for this one insists on a descriptor.
        unsetenv("UNFOLD_PAGER");
        execl("/proc/self/exe", argv[0], "again", NULL);
        return 1;
    }
    int first = open("/dev/null", O_RDONLY), count = 1;
    while (open("/dev/null", O_RDONLY) >= 0)
        count++;
    printf("%d descriptors are free, the first is %d\n", count, first);
    return 0;
}
