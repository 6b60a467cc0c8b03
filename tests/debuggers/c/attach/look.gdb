#: Attach: app
#: Shows: wait_here
#: Shows: middle (argument=argument@entry=2)
#: Shows: = 41
#: Shows: of_thread
#: Shows: the data of the program
#: Shows: libc.so.6
#: Shows: <deeper+65541>:
#: Shows: ends: Exit(0)
#: Ignore: clock_nanosleep|nanosleep|usleep|^\d+\t.*(sysdeps|\.\./)|Download|^\d+\t(in )?\.\.
#: LazyDifference: <(deeper|never_touched)(\+\d+)?>:
# Who looks from outside does not find code that nobody has touched: a page that is missing is none, or one of zeroes.
frame function wait_here
bt -frame-info short-location -3
info args
up
info locals
print counter
print of_thread
print name
info sharedlibrary
x/4i deeper
x/4i deeper+65541
info line deeper
list deeper
x/3i never_touched
info symbol never_touched
info symbol deeper
set var released = 1
detach
