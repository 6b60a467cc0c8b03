#: Shows: of_part (x=
#: Shows: innermost (
#: Shows: middle (
#: Shows: outer (
#: Shows: main (
#: Shows: inlined into frame
#: Shows: exited normally
break of_part
run
bt
up
info frame
info args
info locals
up
info args
info locals
up
info locals
finish
bt
delete
break innermost
info breakpoints
continue
bt
continue
bt
delete
tbreak outer
run
bt
step
next
step
bt
disassemble /s outer
info scope middle
continue
