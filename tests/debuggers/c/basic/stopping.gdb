#: Shows: Temporary breakpoint 1, main
#: Shows: Program stopped.
#: Shows: Temporary breakpoint
#: Ignore: ^ *ADDRESS +ADDRESS
start
info program
kill
starti
bt
info symbol $pc
break twice
continue
bt
run
bt
set args one two
start
print argc
print argv[2]
show args
info inferiors
kill
info inferiors
