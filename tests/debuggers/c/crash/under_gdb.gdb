#: Args: segv
#: Shows: Program received signal SIGSEGV
#: Shows: sum (node=ADDRESS <second>, depth=4)
#: Shows: Saved corefile
#: Shows: sum (node=ADDRESS <second>, depth=4)
run
bt
generate-core-file $FOLDER/made.core
kill
core-file $FOLDER/made.core
bt
frame 2
info args
print $_siginfo.si_signo
