#: Shows: hit Breakpoint 1, all_there (threads=3)
#: Shows: innermost (number=21)
#: Shows: run (argument=
#: Shows: innermost (number=1)
#: Shows: = 21
#: Shows: exited normally
#: Ignore: ^\[(New (Thread|process)|Thread .* exited|Switching to)
#: Ignore: __clone|clone3|start_thread
set print address off
break all_there
run
info threads
thread apply all bt
thread 3
frame function middle
info locals
print number
thread apply all -s frame function innermost
thread find app
thread apply 2 3 4 -s -- print number
thread 1
finish
continue
