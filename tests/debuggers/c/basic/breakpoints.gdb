#: Shows: Breakpoint 1 at
#: Shows: Temporary breakpoint 4
#: Shows: Breakpoint 3, of_part (x=1)
#: Shows: Temporary breakpoint 4, never_called
break main.c:33
break of_part if x == 2
break part.c:5
ignore 3 1
tbreak never_called
info breakpoints
run
print local
delete 1
continue
bt
continue
bt
disable 3
continue
bt
info breakpoints
delete
continue
