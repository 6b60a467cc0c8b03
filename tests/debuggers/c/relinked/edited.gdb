#: Shows: Breakpoint 1, of_part (x=3)
#: Shows: Breakpoint 2, added (x=99)
#: Shows: local = 297
#: Shows: = 298
#: Shows: = {first = 8, second = 2}
#: Shows: No symbol "removed"
break of_part
break added
break main.c:33
info breakpoints
run
bt
finish
continue
bt
next
info locals
finish
print item
ptype item
print new_global
print removed
list added
info line added
continue
