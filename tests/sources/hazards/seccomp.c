//#MayRefuse: after the filter is set, the system calls that fill a page are forbidden
//#Flags: -O1
//#Modes: pie nopie
//#Stdout: untouched code under a strict filter: 13
// A sandbox that allows nothing but output and exit, and then runs code that was never touched.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((aligned(65536), noinline)) static int untouched(int x) { return x + 12; }

#define ALLOW(number) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

int main(int argc, char **argv) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_write), ALLOW(SYS_exit_group), ALLOW(SYS_rt_sigreturn),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        return 1;
    char text[] = "untouched code under a strict filter: 00\n";
    int value = untouched(argc);
    text[38] = '0' + value / 10;
    text[39] = '0' + value % 10;
    if (write(1, text, sizeof text - 1) < 0)
        return 2;
    _exit(0);
}
