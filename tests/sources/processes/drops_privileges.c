//#Flags: -O1 -pthread
//#Modes: pie nopie
//#Stdout: every thread has given up its user and groups: yes
// A program that gives up being root does so with all that runs in its process. (Who is not root, has nothing to give
// up, and no thread that could keep it.)
#define _GNU_SOURCE
#include <dirent.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *waits(void *barrier) {
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return NULL;
}

int main(void) {
    uid_t user = geteuid() ? geteuid() : 65534;
    gid_t group = geteuid() ? getegid() : 65534;
    pthread_barrier_t barrier;
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, waits, &barrier);
    pthread_barrier_wait(&barrier);
    if (geteuid() == 0 && setgroups(0, NULL))
        return 1;
    if (setresgid(group, group, group) || setresuid(user, user, user))
        return 1;
    prctl(PR_SET_DUMPABLE, 1); // so that /proc can be read as before

    DIR *tasks = opendir("/proc/self/task");
    int right = tasks != NULL, count = 0;
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        char path[300], line[300];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *status = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!status) // It has ended meanwhile.
            continue;
        count++;
        while (fgets(line, sizeof line, status)) {
            unsigned ids[4];
            if (sscanf(line, "Uid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4)
                right &= ids[0] == user && ids[1] == user && ids[2] == user && ids[3] == user;
            if (sscanf(line, "Gid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4)
                right &= ids[0] == group && ids[1] == group && ids[2] == group && ids[3] == group;
        }
        fclose(status);
    }
    printf("every thread has given up its user and groups: %s\n", right && count >= 2 ? "yes" : "no");
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 0;
}
