/* Launches a program, and says as a line of JSON what each launch cost, from before the start to the end of the process.
 *
 *     launch [-n TIMES] [-j AT_A_TIME] [-m] [-s SECONDS] [-i STDIN] [-e EXPECTED] [-o OUTPUT]
 *            [-E NAME=VALUE]... PROGRAM [ARGUMENT...]
 *
 * Standard output and error of each launch go to memory, and are compared with the file EXPECTED after the clock has
 * stopped; OUTPUT gets what the first launch printed that does not print that, or without -e what the first printed.
 * The last line has the milliseconds of all launches together.
 *
 * With -m (TIMES = AT_A_TIME) each process is stopped by ptrace at its end, while it still has its memory. When all have come so
 * far, /proc/PID/smaps_rollup of each is read: its proportional memory is that among AT_A_TIME copies. Threads are not
 * traced, signals are passed on; the times then mean nothing.
 *
 * This is no part of the Python program, because a small process starts others faster, and because a child's largest
 * resident set counts what its parent had when it was started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 256, HUNG = 3 };

struct launch {
    pid_t pid; /* 0: none runs here */
    int output, prepared, at_end;
    double start;
    char memory[512];
};

static struct launch launches[MOST];
static int times = 1, at_a_time = 1, measure_memory, seconds = 120;
static const char *input = "/dev/null", *expected, *output;
static size_t expected_size;
static char **words;
static volatile sig_atomic_t hung;

static void fail(const char *what) {
    fprintf(stderr, "launch: %s: %s\n", what, strerror(errno));
    exit(2);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* A launch that hangs is killed with all others; that it did so is said when they are gone. */
static void on_alarm(int signal) {
    (void)signal;
    hung = 1;
    for (int i = 0; i < at_a_time; i++)
        if (launches[i].pid > 0)
            kill(launches[i].pid, SIGKILL);
}

static int opened(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail(path);
    return fd;
}

static int anonymous_file(void) {
    int fd = memfd_create("output", MFD_CLOEXEC);
    if (fd < 0)
        fail("memfd_create");
    return fd;
}

static void start(struct launch *launch) {
    int source = opened(input); /* each has an offset of its own */
    launch->output = anonymous_file();
    launch->prepared = launch->at_end = 0;
    alarm(seconds);
    launch->start = now();
    launch->pid = vfork();
    if (launch->pid == 0) {
        dup2(source, 0);
        dup2(launch->output, 1);
        dup2(launch->output, 2);
        if (measure_memory)
            ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(words[0], words);
        _exit(127);
    }
    if (launch->pid < 0)
        fail("vfork");
    close(source);
}

static void *contents(int fd, size_t *size) {
    struct stat status;
    void *bytes;
    if (fstat(fd, &status) != 0)
        fail("fstat");
    *size = status.st_size;
    if (*size == 0)
        return "";
    bytes = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        fail("mmap");
    return bytes;
}

/* Compares what was printed with what is expected; keeps the first that is to be kept. */
static int check_output(int fd) {
    static int kept;
    size_t size;
    char *printed = contents(fd, &size);
    int same = !expected || (size == expected_size && memcmp(printed, expected, size) == 0);
    if (output && !kept && (!expected || !same)) {
        FILE *file = fopen(output, "wb");
        if (!file || fwrite(printed, 1, size, file) != size || fclose(file) != 0)
            fail(output);
        kept = 1;
    }
    if (size)
        munmap(printed, size);
    close(fd);
    return same;
}

static void read_memory(struct launch *launch) {
    char path[64], line[256], name[64];
    long kilobytes;
    FILE *file;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", launch->pid);
    file = fopen(path, "r");
    if (!file)
        fail(path);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%63[A-Za-z_]: %ld kB", name, &kilobytes) == 2 &&
            (!strncmp(name, "Pss", 3) || !strcmp(name, "Rss") || !strcmp(name, "Anonymous"))) {
            size_t used = strlen(launch->memory);
            snprintf(launch->memory + used, sizeof launch->memory - used, ", \"%s_kb\": %ld", name, kilobytes);
        }
    fclose(file);
}

/* A traced process has stopped: after exec, by a signal, or at its end, where it waits for the others. */
static void on_stop(struct launch *launch, int status) {
    int signal = WSTOPSIG(status);
    if (status >> 16 == PTRACE_EVENT_EXIT) {
        int all = 1;
        launch->at_end = 1;
        for (int i = 0; i < at_a_time; i++)
            all &= launches[i].at_end;
        if (!all)
            return;
        for (int i = 0; i < at_a_time; i++)
            read_memory(&launches[i]);
        for (int i = 0; i < at_a_time; i++)
            ptrace(PTRACE_CONT, launches[i].pid, 0, 0);
        return;
    }
    if (status >> 16 == PTRACE_EVENT_EXEC)
        signal = 0;
    if (!launch->prepared && signal == SIGTRAP) {
        launch->prepared = 1;
        signal = 0;
        if (ptrace(PTRACE_SETOPTIONS, launch->pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0)
            fail("PTRACE_SETOPTIONS");
    }
    ptrace(PTRACE_CONT, launch->pid, 0, signal);
}

/* Waits until one launch has ended, and says what it cost. */
static void finish_one(void) {
    struct rusage usage;
    struct launch *launch = NULL;
    int status, same;
    double end;
    do {
        pid_t pid = wait4(-1, &status, __WALL, &usage);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            fail("wait4");
        end = now();
        launch = NULL;
        for (int i = 0; i < at_a_time; i++)
            if (launches[i].pid == pid)
                launch = &launches[i];
        if (launch && WIFSTOPPED(status)) {
            on_stop(launch, status);
            launch = NULL;
        }
    } while (!launch);
    launch->pid = 0;
    same = check_output(launch->output);
    printf("{\"wall\": %.4f, \"user\": %.3f, \"system\": %.3f, \"minor_faults\": %ld, \"major_faults\": %ld, \"max_rss_kb\": %ld, "
           "\"status\": %d, \"same\": %d%s}\n",
           end - launch->start, usage.ru_utime.tv_sec * 1e3 + usage.ru_utime.tv_usec / 1e3,
           usage.ru_stime.tv_sec * 1e3 + usage.ru_stime.tv_usec / 1e3, usage.ru_minflt, usage.ru_majflt, usage.ru_maxrss,
           WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), same, launch->memory);
    launch->memory[0] = 0;
}

int main(int argc, char **argv) {
    int option, started = 0, running = 0;
    double begin;
    while ((option = getopt(argc, argv, "+n:j:ms:i:e:o:E:")) != -1)
        switch (option) {
        case 'n': times = atoi(optarg); break;
        case 'j': at_a_time = atoi(optarg); break;
        case 'm': measure_memory = 1; break;
        case 's': seconds = atoi(optarg); break;
        case 'i': input = optarg; break;
        case 'e': expected = contents(opened(optarg), &expected_size); break;
        case 'o': output = optarg; break;
        case 'E': putenv(optarg); break;
        default: return 2;
        }
    words = argv + optind;
    if (!*words || at_a_time < 1 || at_a_time > MOST || (measure_memory && times != at_a_time)) {
        fprintf(stderr, "usage: see the head of launch.c\n");
        return 2;
    }
    signal(SIGALRM, on_alarm);
    begin = now();
    while (started < times || running > 0) {
        for (int i = 0; i < at_a_time && started < times; i++)
            if (launches[i].pid == 0) {
                start(&launches[i]);
                started++;
                running++;
            }
        finish_one();
        running--;
        if (hung) {
            fprintf(stderr, "launch: %s has not ended after %d seconds\n", words[0], seconds);
            return HUNG;
        }
    }
    printf("{\"total\": %.3f}\n", now() - begin);
    return 0;
}
