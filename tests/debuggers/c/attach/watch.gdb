#: Attach: app
#: Shows: Old value = 0
#: Shows: New value = 1
#: Shows: deeper (x=
#: Shows: ends: Exit(0)
#: Ignore: clock_nanosleep|nanosleep|usleep|^\d+\t.*(sysdeps|\.\./)|Download|^\d+\t(in )?\.\.
handle SIGSEGV nostop noprint pass
# Where code is not touched, a first touch is a signal.
handle SIGSEGV nostop noprint pass
frame function wait_here
watch 'far.c'::calls
set var released = 1
continue
bt
delete
detach
