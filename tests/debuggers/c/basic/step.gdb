#: Shows: Breakpoint 1, main (argc=1
#: Shows: outer (depth=1)
#: Shows: inner (depth=1
#: Shows: Value returned is
#: Shows: exited normally
break main
run
next
step
next
next
next
step
info args
bt
step
step
step
up
info locals
down
finish
step
until 51
finish
next
continue
