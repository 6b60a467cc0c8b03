#: Shows: Program received signal SIGSEGV
#: Shows: = 0
#: Shows: seen 0
#: Shows: a fault
handle SIGUSR1 nostop noprint nopass
run
bt
print seen
continue
