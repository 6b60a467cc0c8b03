#: Shows: = 14
#: Shows: = 60
#: Shows: = 3
#: Shows: called from gdb
#: Shows: Breakpoint 2, never_called (x=5)
#: Unless: Couldn't write extended state status
break inner
run
print twice(7)
print twice(counter) + depth
print of_part(5)
print strlen(words[0])
call (void) puts("called from gdb")
print of_part_calls
break never_called
print never_called(5)
bt
finish
continue
