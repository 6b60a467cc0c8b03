// Functions about signals, mappings and processes of which a program might have several.
#define NAMES                                                                                                        \
    X(sigaction) X(signal) X(sigprocmask) X(pthread_sigmask) X(sigsuspend) X(sigwait) X(sigaltstack) X(ppoll)        \
    X(pselect) X(epoll_pwait) X(sigtimedwait) X(signalfd) X(syscall) X(setcontext) X(swapcontext) X(longjmp)      \
    X(mmap) X(munmap) X(mremap) X(mprotect) X(madvise) X(open) X(prctl) X(ptrace) X(process_vm_readv) X(vfork)       \
    X(pthread_create) X(pthread_attr_setsigmask_np) X(setuid) X(unshare) X(execve) X(posix_spawn) X(clone) X(fork)
