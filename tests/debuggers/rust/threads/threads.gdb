#: Shows: "worker0" hit Breakpoint 1, main::in_thread
#: Shows: "worker1" hit Breakpoint 1, main::in_thread
#: Shows: Breakpoint 2, main::joined
#: Shows: exited normally
#: Ignore: ^\[(New (Thread|process)|Thread .* exited|Switching to)
break main::in_thread
break main::joined
run
bt
info args
next
next
print product
continue
bt 3
continue
bt 3
info threads $_thread
continue
bt
continue
