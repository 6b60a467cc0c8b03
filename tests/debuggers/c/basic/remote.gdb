#: Shows: Breakpoint 1, inner
#: Shows: outer (depth=1)
#: Shows: exited normally
set sysroot /
target extended-remote | gdbserver --once - ./app
break inner
break never_called
continue
bt
info args
finish
print origin
print of_thread
info sharedlibrary
delete 1
continue
bt
continue
