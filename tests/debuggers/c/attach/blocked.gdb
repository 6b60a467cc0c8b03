#: Attach: reads
#: Shows: read
#: Shows: read_line ()
#: Shows: main (argc=2
#: Shows: ends: Exit(0)
bt
frame function read_line
info locals
up
print argc
break never_touched
detach
