#: Shows: Breakpoint 2, in_child (x=1)
#: Shows: main (argc=1
# The parent writes when it likes.
#: Ignore: ^15$
#: Ignore: Using host libthread_db|Thread debugging using
set follow-fork-mode child
break in_parent
break in_child
run
bt
finish
continue
