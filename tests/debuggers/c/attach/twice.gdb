#: Attach: app
#: Shows: wait_here
#: Shows: Detaching from program
#: Shows: wait_here
#: Shows: Breakpoint 1, never_touched
#: Shows: ends: Exit(0)
#: Ignore: clock_nanosleep|nanosleep|usleep|^\d+\t.*(sysdeps|\.\./)|Download|^\d+\t(in )?\.\.
#: LazyShows: Cannot insert breakpoint 1|Breakpoint 1, never_touched
#: LazyShows: result 360
#: LazyShows: Exit\(0\)
# A breakpoint cannot be put into a page that is missing, and where it is one of zeroes, the first touch takes it away.
frame function wait_here
break never_touched
python pid = gdb.selected_inferior().pid
detach
python gdb.execute("attach %d" % pid)
frame function wait_here
info breakpoints
set var released = 1
continue
bt
next
delete
detach
