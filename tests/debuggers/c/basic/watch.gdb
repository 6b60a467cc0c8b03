#: Shows: Old value = 41
#: Shows: New value = 42
#: Shows: New value = 102
#: Shows: Watchpoint 6: local
#: Shows: Watchpoint 6 deleted because
break outer
run
watch counter
rwatch hidden
continue
bt
continue
delete 2-3
set can-use-hw-watchpoints 0
watch inner::calls
continue
delete 4
break inner
continue
next
watch local
delete 1 5
continue
bt
delete
continue
