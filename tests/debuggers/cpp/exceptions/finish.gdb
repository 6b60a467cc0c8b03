#: Shows: deeper (depth=2)
#: Shows: Run till exit
#: Shows: exited normally
break deeper
run
finish
bt
continue
finish
bt
continue
