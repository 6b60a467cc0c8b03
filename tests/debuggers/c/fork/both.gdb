#: Shows: Breakpoint 1.2, in_child (x=1)
#: Shows: exited with code 06
#: Shows: in_parent
set detach-on-fork off
set follow-fork-mode child
break in_child
break in_parent
run
bt
info inferiors
continue
inferior 1
continue
bt
finish
