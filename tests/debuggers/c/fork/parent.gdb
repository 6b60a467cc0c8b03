#: Shows: Breakpoint 1, in_parent (x=6)
#: Shows: exited normally
break in_parent
break in_child
run
bt
finish
continue
