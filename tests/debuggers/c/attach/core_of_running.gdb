#: Attach: app
#: Shows: Saved corefile
#: Shows: wait_here
#: Shows: = 41
#: Shows: <deeper+65541>:
#: Shows: ends: Exit(0)
#: Ignore: clock_nanosleep|nanosleep|usleep|^\d+\t.*(sysdeps|\.\./)|Download|^\d+\t(in )?\.\.|^Core was generated
#: LazyDifference: <(deeper|never_touched)(\+\d+)?>:|^warning: Memory read failed|/memfd:unfold
# Who looks from outside does not find code that nobody has touched: a page that is missing is none, or one of zeroes.
generate-core-file $FOLDER/made.core
frame function wait_here
set var released = 1
detach
core-file $FOLDER/made.core
frame function wait_here
bt -frame-info short-location -3
up
info locals
print counter
print name
print of_thread
info sharedlibrary
x/4i deeper+65541
info line deeper
x/3i never_touched
