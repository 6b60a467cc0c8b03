#: Shows: exited normally
#: Shows: exited normally
break never_called
run
finish
continue
run
bt
next
step
finish
continue
