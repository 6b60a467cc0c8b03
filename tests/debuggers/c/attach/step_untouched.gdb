#: Attach: app
#: Shows: never_touched (x=
#: Shows: deeper (x=
#: Shows: ends: Exit(0)
#: Ignore: clock_nanosleep|nanosleep|usleep|^\d+\t.*(sysdeps|\.\./)|Download|^\d+\t(in )?\.\.
#: LazyShows: Program received signal SIGSEGV
#: LazyShows: never_touched \(x=
#: LazyShows: result 360
#: LazyShows: Exit\(0\)
# A first touch is a signal, at which gdb stops unless it is told not to (`handle SIGSEGV nostop noprint pass`).
# Into code that nobody has touched, step by step, with no breakpoint there.
frame function wait_here
set var released = 1
finish
finish
finish
step
step
step
step
step
step
bt
finish
finish
detach
