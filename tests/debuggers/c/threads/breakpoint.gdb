#: Shows: Thread 2 "app" hit Breakpoint 1, innermost (number=1)
#: Shows: Thread 3 "app" hit Breakpoint 1, innermost (number=11)
#: Shows: Thread 4 "app" hit Breakpoint 2, innermost (number=21)
#: Shows: exited normally
#: Ignore: ^\[(New (Thread|process)|Thread .* exited|Switching to)
#: Ignore: __clone|clone3|start_thread
set print address off
break innermost if number < 20
break innermost if number == 21
run
bt
continue
bt
continue
bt
delete
continue
