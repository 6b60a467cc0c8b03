#: Attach: app
#: Shows: wait_here
#: Shows: Breakpoint 1 at
#: Shows: Breakpoint 1, never_touched (x=
#: Shows: Breakpoint 2, deeper (x=
#: Shows: Value returned is
#: Shows: result
#: Shows: ends: Exit(0)
# Where it sleeps inside of libc is a matter of chance.
#: Ignore: clock_nanosleep|nanosleep|usleep|^\d+\t.*(sysdeps|\.\./)|Download|^\d+\t(in )?\.\.
#: LazyShows: Cannot insert breakpoint 1|Breakpoint 1, never_touched
#: LazyShows: result 360
#: LazyShows: Exit\(0\)
# A breakpoint cannot be put into a page that is missing, and where it is one of zeroes, the first touch takes it away.
frame function wait_here
bt -frame-info short-location -3
break never_touched
break deeper
set var released = 1
continue
bt
info locals
next
next
continue
bt
info locals
finish
detach
