#: Shows: Breakpoint 1,
#: Shows: inner
#: Shows: main
#: Shows: exited normally
break of_part
run
bt
info args
print *pair
print of_part_counter
next
info locals
up
info locals
print counter
print inner::calls
ptype pair
list
info line inner
info source
finish
next
tbreak program.h:10
run
bt
info symbol inner
disassemble /s inner
delete
continue
