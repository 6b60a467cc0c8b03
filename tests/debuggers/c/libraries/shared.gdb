#: Shows: Breakpoint 2, helper (x=2)
#: Shows: Breakpoint 3, called_back (x=2)
#: Shows: libpart.so
break main
run
info sharedlibrary
break helper
break called_back
continue
bt
step
step
continue
bt
up
info args
print part_counter
info symbol helper
info symbol called_back
info symbol of_part
finish
continue
bt
