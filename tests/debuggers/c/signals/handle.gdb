#: Shows: Program received signal SIGUSR1
#: Shows: Breakpoint 1, deeper (x=10)
#: Shows: <signal handler called>
#: Shows: Program received signal SIGSEGV
#: Shows: touch (where=0x10)
#: Shows: a fault
#: Shows: exited normally
break deeper
handle SIGUSR1 stop print pass
run
bt -frame-arguments none
continue
bt -frame-arguments none
finish
handle SIGUSR1 nostop noprint nopass
delete 1
continue
bt
print $_siginfo.si_signo
print $_siginfo._sifields._sigfault.si_addr
info locals
continue
