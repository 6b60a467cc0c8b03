#: Shows: Breakpoint 1, catcher (depth=2)
#: Shows: Breakpoint 1, catcher (depth=3)
#: Shows: exited normally
# An exception that passes through frames, and where `next` and `finish` end then.
break catcher
run
next
next
