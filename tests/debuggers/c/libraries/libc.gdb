#: Shows: Breakpoint 2, 
#: Shows: main () at
#: Shows: exited normally
break main
run
break puts
continue
bt
info symbol puts
finish
tbreak dlclose
continue
bt
continue
