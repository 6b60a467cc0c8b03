//#Flags: -O1
//#Modes: pie nopie static
//#Stdout: write: 5
//#Stdout: pwrite: 5
//#Stdout: writev: 5
//#Stdout: pwritev: 5
//#Stdout: send: 5
//#Stdout: sendto: 5
//#Stdout: sendmsg: 5
//#Stdout: sendmmsg: 5
//#Stdout: fwrite without a buffer: 5
//#Stdout: fputs of a long text: 1
//#Stdout: dprintf of a long text: 9000
//#Stdout: vmsplice: 5
//#Stdout: syscall: 5
//#Stdout: a path to open: 1
//#Stdout: a path to stat: 0
//#Stdout: a path to statx: 0
//#Stdout: a path to access: 0
//#Stdout: a path to readlink: 1
//#Stdout: words of execve: 7
//#Stdout: time of nanosleep: 0
//#Stdout: word of a futex: 11
//#Stdout: option of a socket: 0
//#Stdout: name of a thread: 1
//#KnownDifference: sendmmsg: -1
//#KnownDifference: a path to stat: -1
//#KnownDifference: a path to statx: -1
//#KnownDifference: a path to access: -1
//#KnownDifference: a path to readlink: 0
//#KnownDifference: words of execve: 14
//#KnownDifference: time of nanosleep: -1
//#KnownDifference: word of a futex: 14
//#KnownDifference: option of a socket: -1
//#KnownDifference: name of a thread: 0
// System calls whose buffers lie among code that was never touched.
#define _GNU_SOURCE
#include "../../fixtures/far.h"
#include "../../fixtures/each.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

FAR_BYTES(far_text, ".ascii \"bytes\"");
FAR_BYTES(far_long_text, ".fill 8999, 1, 'x'\n.asciz \"y\"");
FAR_BYTES(far_path, ".asciz \"/proc/self/exe\"");
FAR_BYTES(far_shell, ".asciz \"/bin/sh\"");
FAR_BYTES(far_script, ".asciz \"exit 7\"");
FAR_BYTES(far_time, ".quad 0, 1");
FAR_BYTES(far_word, ".balign 4\n.long 5");
FAR_BYTES(far_option, ".balign 4\n.long 1");

static int file(void) { return memfd_create("file", 0); }

// The bytes that came, if they are those that were sent.
static int received(int descriptor, long sent) {
    char buffer[16] = "";
    if (sent != 5)
        return sent < 0 ? -errno : sent;
    lseek(descriptor, 0, SEEK_SET);
    return read(descriptor, buffer, sizeof buffer) == 5 && !memcmp(buffer, "bytes", 5) ? 5 : -1000;
}

static int pipe_or_socket[2];
static int to_pipe(void) { return pipe(pipe_or_socket) ? -1 : pipe_or_socket[1]; }
static int to_socket(void) {
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, pipe_or_socket) ? -1 : pipe_or_socket[1];
}

static struct iovec vector(void) { return (struct iovec){(void *)far_text, 5}; }

static int by_write(void) { int out = to_pipe(); return received(pipe_or_socket[0], write(out, far_text, 5)); }
static int by_pwrite(void) { int out = file(); return received(out, pwrite(out, far_text, 5, 0)); }
static int by_writev(void) {
    int out = to_pipe();
    struct iovec one = vector();
    return received(pipe_or_socket[0], writev(out, &one, 1));
}
static int by_pwritev(void) {
    int out = file();
    struct iovec one = vector();
    return received(out, pwritev(out, &one, 1, 0));
}
static int by_send(void) { int out = to_socket(); return received(pipe_or_socket[0], send(out, far_text, 5, 0)); }
static int by_sendto(void) {
    int out = to_socket();
    return received(pipe_or_socket[0], sendto(out, far_text, 5, 0, NULL, 0));
}
static int by_sendmsg(void) {
    int out = to_socket();
    struct iovec one = vector();
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
    return received(pipe_or_socket[0], sendmsg(out, &message, 0));
}
static int by_sendmmsg(void) {
    int out = to_socket();
    struct iovec one = vector();
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &one, .msg_iovlen = 1}};
    return received(pipe_or_socket[0], sendmmsg(out, &message, 1, 0) == 1 ? message.msg_len : -1);
}
static int by_fwrite(void) {
    int out = file();
    FILE *stream = fdopen(out, "w");
    setvbuf(stream, NULL, _IONBF, 0);
    return received(out, fwrite(far_text, 1, 5, stream));
}
static int by_fputs(void) {
    int out = file();
    FILE *stream = fdopen(out, "w");
    if (fputs(far_long_text, stream) < 0 || fflush(stream))
        return -errno;
    return lseek(out, 0, SEEK_END) == 9000;
}
static int by_dprintf(void) { return dprintf(file(), "%s", far_long_text); }
static int by_vmsplice(void) {
    int out = to_pipe();
    struct iovec one = vector();
    return received(pipe_or_socket[0], vmsplice(out, &one, 1, 0));
}
static int by_syscall(void) {
    int out = to_pipe();
    return received(pipe_or_socket[0], syscall(SYS_write, out, far_text, 5));
}
static int by_open(void) { return open(far_path, O_RDONLY) >= 0; }
static int by_stat(void) { struct stat status; return stat(far_path, &status); }
static int by_statx(void) { struct statx status; return statx(AT_FDCWD, far_path, 0, STATX_SIZE, &status); }
static int by_access(void) { return access(far_path, F_OK); }
static int by_readlink(void) { char link[4096]; return readlink(far_path, link, sizeof link) > 0; }
static int by_execve(void) {
    pid_t child = fork();
    if (child == 0) {
        char *words[] = {(char *)far_shell, "-c", (char *)far_script, NULL};
        execve(far_shell, words, environ);
        _exit(errno);
    }
    int status;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}
static int by_nanosleep(void) { return nanosleep((const struct timespec *)far_time, NULL); }
static int by_futex(void) {
    return syscall(SYS_futex, far_word, FUTEX_WAIT_PRIVATE, 6, NULL, NULL, 0) ? errno : 0;
}
static int by_setsockopt(void) {
    return setsockopt(to_socket(), SOL_SOCKET, SO_PASSCRED, far_option, sizeof(int));
}
static int by_prctl(void) {
    char name[16];
    return !prctl(PR_SET_NAME, far_text) && !prctl(PR_GET_NAME, name) && !memcmp(name, "bytes", 5);
}

static const struct check checks[] = {
    {"write", by_write},
    {"pwrite", by_pwrite},
    {"writev", by_writev},
    {"pwritev", by_pwritev},
    {"send", by_send},
    {"sendto", by_sendto},
    {"sendmsg", by_sendmsg},
    {"sendmmsg", by_sendmmsg},
    {"fwrite without a buffer", by_fwrite},
    {"fputs of a long text", by_fputs},
    {"dprintf of a long text", by_dprintf},
    {"vmsplice", by_vmsplice},
    {"syscall", by_syscall},
    {"a path to open", by_open},
    {"a path to stat", by_stat},
    {"a path to statx", by_statx},
    {"a path to access", by_access},
    {"a path to readlink", by_readlink},
    {"words of execve", by_execve},
    {"time of nanosleep", by_nanosleep},
    {"word of a futex", by_futex},
    {"option of a socket", by_setsockopt},
    {"name of a thread", by_prctl},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks); }
